-- Undoes what was done since transaction/savepoint.sql; the savepoint stays.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.apply, on the second try.
ROLLBACK TO SAVEPOINT part
