-- Undoes migrations/0003_enqueue.sql. Loses nothing that was enqueued.
DROP FUNCTION tally.enqueue;
DROP FUNCTION tally.new_id;
DELETE FROM tally.schema_migrations WHERE version = 3;
