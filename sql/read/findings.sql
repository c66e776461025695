-- Findings that nobody has mended: of the last run of each shard within a day that could say something, the worst
-- first. No index serves the runs; pruning bounds them. The findings are those of one run a shard, by their key.
-- Params:  $1 bigint limit
-- Returns: code, uuid job (null = about none), queue's view, ledger's view, outcome, severity, queue, detail,
--          timestamptz when it was first seen
-- Caller:  PostgresLedger.findingsLeft
SELECT f.code, f.job_id, f.queue_view, f.ledger_view, f.outcome, f.severity, f.queue, f.detail, f.first_seen
FROM (
  SELECT DISTINCT ON (r.shard) r.id FROM tally.reconcile_runs r
  WHERE (r.exit_code <> 8 OR r.left_over > 0) AND r.started_at > now() - interval '1 day'
  ORDER BY r.shard, r.started_at DESC) l
JOIN tally.reconcile_findings f ON f.run_id = l.id
WHERE f.outcome IN ('found', 'needs_operator')
ORDER BY CASE f.severity WHEN 'H' THEN 0 WHEN 'M' THEN 1 ELSE 2 END, f.code, f.number
LIMIT $1::bigint
