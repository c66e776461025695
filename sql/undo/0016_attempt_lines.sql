-- Undoes migrations/0016_attempt_lines.sql: what handlers have logged goes. Let `tally serve` bring to the jobs what is
-- kept for them first, or a changed priority among that is lost.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP TABLE tally.attempt_lines;
ALTER TABLE tally.held_changes DROP COLUMN priority;
DELETE FROM tally.schema_migrations WHERE version = 16;
