-- When the last round of each shard began, however it ended, by the ledger's clock, which the run was told. No index
-- serves it: it reads all runs that are kept, which pruning holds to a day of rounds that found nothing and ninety
-- days of the others, once a round and only where there are several shards.
-- Params:  none.
-- Returns: shard bigint, timestamptz.
-- Caller:  PostgresLedger.lastRounds.
SELECT r.shard::bigint, max(r.started_at)
FROM tally.reconcile_runs r WHERE r.mode = 'serve' AND r.shard >= 0 GROUP BY r.shard
