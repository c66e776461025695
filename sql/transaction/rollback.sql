-- Gives a transaction up. Caller: PostgresConnection.
ROLLBACK
