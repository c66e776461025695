-- Commits. An answer lost here is the one whose outcome is unknown. Caller: PostgresConnection.
COMMIT
