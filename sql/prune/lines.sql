-- Drops what handlers logged long ago. No line is older than its job, so those of young jobs are not looked at, by
-- the time inside their ids; a job that waited or runs for long keeps what it has logged lately. A time that lies as
-- far ahead is no clock's, and keeps nothing.
-- Params:  $1 bigint older than so many µs, $2 bigint at most so many.
-- Returns: one row for each that went.
-- Caller:  PostgresLedger.prune.
DELETE FROM tally.attempt_lines l WHERE (l.job_id, l.epoch, l.version, l.number) IN (
  SELECT d.job_id, d.epoch, d.version, d.number FROM tally.attempt_lines d
  WHERE d.job_id < tally.id_at(now() - $1::bigint * interval '1 microsecond')
    AND d.at NOT BETWEEN now() - $1::bigint * interval '1 microsecond'
      AND now() + $1::bigint * interval '1 microsecond'
  ORDER BY d.job_id, d.epoch, d.version, d.number
  LIMIT $2::bigint)
RETURNING 1::bigint
