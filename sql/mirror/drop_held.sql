-- Drops what is kept for jobs that have no row any more, such as those whose month was dropped. A subquery for each,
-- so that the planner never reads all jobs for it.
-- Params:  $1 bigint at most so many
-- Returns: nothing
-- Caller:  PostgresLedger.freeKeys
DELETE FROM tally.held_changes d
USING (
  SELECT h.job_id, h.epoch, h.seq FROM tally.held_changes h
  WHERE (SELECT j.id FROM tally.jobs j WHERE j.id = h.job_id) IS NULL
  LIMIT $1::bigint
  FOR UPDATE OF h SKIP LOCKED
) o
WHERE d.job_id = o.job_id AND d.epoch = o.epoch AND d.seq = o.seq
