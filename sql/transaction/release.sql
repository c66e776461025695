-- Drops the savepoint; what was done since it stays.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.apply, on the second try.
RELEASE SAVEPOINT part
