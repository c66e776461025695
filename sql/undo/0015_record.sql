-- Undoes migrations/0015_record.sql. Programs that call the function must be stopped before.
DROP FUNCTION tally.record_jobs;
DELETE FROM tally.schema_migrations WHERE version = 15;
