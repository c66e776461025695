-- Undoes migrations/0016_attempt_lines.sql: what handlers have logged goes.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP TABLE tally.attempt_lines;
DELETE FROM tally.schema_migrations WHERE version = 16;
