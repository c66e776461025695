-- Undoes migrations/0003_enqueue.sql. Loses nothing that was enqueued.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP FUNCTION tally.enqueue;
DROP FUNCTION tally.new_id;
DELETE FROM tally.schema_migrations WHERE version = 3;
