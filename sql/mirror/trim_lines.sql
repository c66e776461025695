-- Drops the oldest lines of jobs that have more than they may keep. What somebody's transaction holds stays for the
-- next batch. A job has few more than it may: what a batch brought it.
-- Params:  $1 uuid[] jobs, $2 bigint how many each keeps, $3 bigint at most so many of each
-- Returns: nothing
-- Caller:  PostgresLedger.apply, after mirror/keep_lines.sql
WITH beyond AS MATERIALIZED (
  SELECT o.job_id, o.epoch, o.version, o.number
  FROM unnest($1::uuid[]) AS w (job)
  CROSS JOIN LATERAL (
    SELECT a.job_id, a.epoch, a.version, a.number FROM tally.attempt_lines a WHERE a.job_id = w.job
    ORDER BY a.epoch DESC, a.version DESC, a.number DESC
    OFFSET $2::bigint LIMIT $3::bigint) o
), free AS MATERIALIZED (
  SELECT l.job_id, l.epoch, l.version, l.number
  FROM tally.attempt_lines l JOIN beyond b USING (job_id, epoch, version, number)
  FOR UPDATE OF l SKIP LOCKED
)
DELETE FROM tally.attempt_lines d USING free f
WHERE d.job_id = f.job_id AND d.epoch = f.epoch AND d.version = f.version AND d.number = f.number
