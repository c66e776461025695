-- Seconds since the halves were last compared in full, of several shards that which was so longest ago; a ledger that
-- never was counts from its making. The index reconcile_runs_full answers.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-not-compared of dashboards/alerts.json.
SELECT extract(epoch FROM now() - coalesce((
    SELECT CASE WHEN count(*) >= coalesce(i.shards, 1) THEN min(l.finished_at) END
    FROM (SELECT r.shard, max(r.finished_at) AS finished_at FROM tally.reconcile_runs r
      WHERE r.full_cycle GROUP BY r.shard) l), i.made_at))::bigint AS value
FROM tally.identity i
