-- Opens a transaction.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresConnection.begin.
BEGIN ISOLATION LEVEL READ COMMITTED
