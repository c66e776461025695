-- Begins a transaction whose reads all see one moment, however many they are.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresConnection.begin.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
