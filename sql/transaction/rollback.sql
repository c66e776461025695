-- Gives a transaction up.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresConnection.rollback.
ROLLBACK
