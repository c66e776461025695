-- Takes out what is kept for jobs whose rows nobody holds any more: of each job the first change, and locks its row.
-- Params:  $1 bigint at most so many jobs
-- Returns: as mirror/change.sql takes it: job uuid, epoch bigint, version bigint, seq bigint, status, at, started at, completed at,
--          waits for, worker, attempts bigint, crashes bigint, error, result bytea
-- Caller:  PostgresLedger.apply, freeKeys
WITH free AS MATERIALIZED (
  SELECT j.id FROM tally.jobs j
  WHERE j.id = ANY (ARRAY(SELECT DISTINCT h.job_id FROM tally.held_changes h LIMIT $1::bigint))
  ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED
), next AS MATERIALIZED (
  SELECT DISTINCT ON (h.job_id) h.job_id, h.epoch, h.seq FROM tally.held_changes h
  WHERE h.job_id IN (SELECT f.id FROM free f) ORDER BY h.job_id, h.epoch, h.seq
)
DELETE FROM tally.held_changes h USING next n
WHERE h.job_id = n.job_id AND h.epoch = n.epoch AND h.seq = n.seq
RETURNING h.job_id, h.epoch, h.version::bigint, h.seq, h.status, h.at, h.started_at, h.completed_at, h.run_at, h.worker_id,
  h.attempts::bigint, h.crashes::bigint, h.error, h.result_body
