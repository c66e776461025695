-- When the halves were last compared in full: of several shards that which was so longest ago, never if one never
-- was.
-- Params:  none.
-- Returns: timestamptz, null = never.
-- Caller:  PostgresLedger.lastFullRun.
SELECT CASE WHEN count(*) >= (SELECT coalesce(i.shards, 1) FROM tally.identity i) THEN min(l.finished_at) END
FROM (
  SELECT r.shard, max(r.finished_at) AS finished_at
  FROM tally.reconcile_runs r WHERE r.full_cycle GROUP BY r.shard) l
