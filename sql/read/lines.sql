-- What the handlers of a job have logged, attempt by attempt, the last of them.
-- Params:  $1 uuid id, $2 bigint at most so many.
-- Returns: epoch, version bigint, number bigint, at, line.
-- Caller:  PostgresLedger.lines.
SELECT l.epoch, l.version, l.number, l.at, l.line
FROM (
  SELECT a.epoch, a.version::bigint AS version, a.number::bigint AS number, a.at, a.line
  FROM tally.attempt_lines a WHERE a.job_id = $1::uuid
  ORDER BY a.epoch DESC, a.version DESC, a.number DESC
  LIMIT $2::bigint) l
ORDER BY l.epoch, l.version, l.number
