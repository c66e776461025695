-- Undoes migrations/0014_shards.sql. Refused while more than one shard is in use: a queue of those would be taken for the only one.
ALTER TABLE tally.reconcile_runs DROP COLUMN shard;
DROP INDEX tally.queues_one;
DELETE FROM tally.queues WHERE gave_way_to IS NOT NULL AND shard > 0;
CREATE UNIQUE INDEX queues_one ON tally.queues ((true)) WHERE gave_way_to IS NULL;
COMMENT ON INDEX tally.queues_one IS 'A ledger has one queue.';
COMMENT ON TABLE tally.queues IS 'Which queue is this ledger''s, and which were.';
ALTER TABLE tally.queues DROP COLUMN shard;
ALTER TABLE tally.identity DROP COLUMN shards;
DELETE FROM tally.schema_migrations WHERE version = 14;
