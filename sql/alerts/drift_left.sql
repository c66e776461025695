-- Findings that nobody has mended: of the last run of each shard within a day that could say something, but for those
-- of which an alert of their own tells (D19, D34, D36). No index serves the runs; pruning bounds them. The findings
-- are those of one run a shard, by their key.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-drift-left of dashboards/alerts.json.
SELECT count(*) AS value
FROM (
  SELECT DISTINCT ON (r.shard) r.id FROM tally.reconcile_runs r
  WHERE (r.exit_code <> 8 OR r.left_over > 0) AND r.started_at > now() - interval '1 day'
  ORDER BY r.shard, r.started_at DESC) l
JOIN tally.reconcile_findings f ON f.run_id = l.id
WHERE f.outcome IN ('found', 'needs_operator') AND f.code NOT IN ('D19', 'D34', 'D36')
