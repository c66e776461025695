-- The last log position applied.
-- Params: none. Returns: epoch bigint, seq bigint; no row before the first batch. Caller: PostgresLedger.cursor.
SELECT epoch, seq FROM tally.mirror_cursor WHERE shard = 0
