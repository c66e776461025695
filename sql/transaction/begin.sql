-- Opens a transaction. Caller: PostgresConnection.
BEGIN ISOLATION LEVEL READ COMMITTED
