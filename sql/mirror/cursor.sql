-- The last log position of a shard that was applied.
-- Params:  $1 bigint shard.
-- Returns: epoch bigint, seq bigint; no row before the first batch.
-- Caller:  PostgresLedger.cursor.
SELECT c.epoch, c.seq FROM tally.mirror_cursor c WHERE c.shard = $1::bigint::smallint
