-- Undoes migrations/0001_jobs.sql. Destroys the record of every job: take a backup first.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP FUNCTION tally.make_partitions;
DROP TABLE tally.job_events, tally.jobs;
DROP FUNCTION tally.id_at;
DELETE FROM tally.schema_migrations WHERE version = 1;
