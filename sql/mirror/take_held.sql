-- Takes out what is kept for jobs whose rows nobody holds any more: of each job the first change, and locks its row.
-- Jobs that are held still are passed over before they are counted, so that they hide nobody behind them.
-- Params:  $1 bigint at most so many jobs, $2 bigint bytes of their results; at least one job
-- Returns: as mirror/change.sql takes it: job uuid, epoch bigint, version bigint, seq bigint, status, at, started at,
--          completed at, waits for, worker, attempts bigint, crashes bigint, error, result bytea, priority bigint
-- Caller:  PostgresLedger.apply, freeKeys
WITH free AS MATERIALIZED (
  SELECT j.id FROM tally.jobs j
  WHERE j.id = ANY (ARRAY(SELECT DISTINCT h.job_id FROM tally.held_changes h))
  ORDER BY j.id LIMIT $1::bigint FOR NO KEY UPDATE SKIP LOCKED
), next AS MATERIALIZED (
  SELECT DISTINCT ON (h.job_id) h.job_id, h.epoch, h.seq, coalesce(octet_length(h.result_body), 0) AS bytes
  FROM tally.held_changes h
  WHERE h.job_id IN (SELECT f.id FROM free f) ORDER BY h.job_id, h.epoch, h.seq
), sized AS MATERIALIZED (
  SELECT n.job_id, n.epoch, n.seq, sum(n.bytes) OVER (ORDER BY n.job_id) - n.bytes AS before FROM next n
)
DELETE FROM tally.held_changes h USING sized s
WHERE s.before < $2::bigint AND h.job_id = s.job_id AND h.epoch = s.epoch AND h.seq = s.seq
RETURNING h.job_id, h.epoch, h.version::bigint, h.seq, h.status, h.at, h.started_at, h.completed_at, h.run_at,
  h.worker_id, h.attempts::bigint, h.crashes::bigint, h.error, h.result_body, h.priority::bigint
