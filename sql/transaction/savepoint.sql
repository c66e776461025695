-- Marks a place to fall back to, so that one refused part does not fail the whole transaction.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.apply, on the second try.
SAVEPOINT part
