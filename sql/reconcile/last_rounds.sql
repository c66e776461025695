-- When the last round of each shard began, however it ended.
-- Params: none. Returns: shard bigint, timestamptz. Caller: PostgresLedger.lastRounds.
SELECT r.shard::bigint, max(r.started_at) FROM tally.reconcile_runs r WHERE r.mode = 'serve' AND r.shard >= 0 GROUP BY r.shard
