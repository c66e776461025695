-- One ledger, several Redis: the ledger knows how many there are, and which queue of each was the last.
--
-- Locks: a moment's ACCESS EXCLUSIVE on identity, queues and reconcile_runs, each of few rows; a small index is made anew. Safe
--        on a live system. Older programs go on beside one Redis; a ledger of several refuses them, by the id that its Redis keep.
-- After: where roles are in use, run roles.sql again; writer and enqueuer write the new column of identity.
-- Undo:  undo/0014_shards.sql

-- null = nobody has opened it yet.
ALTER TABLE tally.identity ADD COLUMN shards smallint
  CONSTRAINT identity_shards_count CHECK (shards BETWEEN 1 AND 64);
UPDATE tally.identity SET shards = 1
WHERE EXISTS (SELECT FROM tally.queues) OR EXISTS (SELECT FROM tally.mirror_cursor);

ALTER TABLE tally.queues ADD COLUMN shard smallint NOT NULL DEFAULT 0;
DROP INDEX tally.queues_one;
CREATE UNIQUE INDEX queues_one ON tally.queues (shard) WHERE gave_way_to IS NULL;
COMMENT ON INDEX tally.queues_one IS 'A ledger has one queue a shard.';
COMMENT ON TABLE tally.queues IS 'Which queues are this ledger''s, one a shard, and which were.';

ALTER TABLE tally.reconcile_runs ADD COLUMN shard smallint NOT NULL DEFAULT 0;
