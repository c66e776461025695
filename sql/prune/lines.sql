-- Drops what handlers logged of jobs that were created long ago, by the time inside their ids.
-- Params:  $1 bigint older than so many µs, $2 bigint at most so many.
-- Returns: one row for each that went.
-- Caller:  PostgresLedger.prune.
DELETE FROM tally.attempt_lines l WHERE (l.job_id, l.epoch, l.version, l.number) IN (
  SELECT d.job_id, d.epoch, d.version, d.number FROM tally.attempt_lines d
  WHERE d.job_id < tally.id_at(now() - $1::bigint * interval '1 microsecond')
  ORDER BY d.job_id, d.epoch, d.version, d.number
  LIMIT $2::bigint)
RETURNING 1::bigint
