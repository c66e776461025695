-- Commits. An answer lost here is the one whose outcome is unknown.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresConnection.commit.
COMMIT
