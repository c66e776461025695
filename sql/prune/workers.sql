-- Drops workers that have stopped or are lost and were last seen long ago.
-- Params:  $1 bigint older than so many µs, $2 bigint at most so many.
-- Returns: one row for each that went.
-- Caller:  PostgresLedger.prune.
DELETE FROM tally.workers w WHERE w.id IN (
  SELECT d.id FROM tally.workers d
  WHERE d.status IN ('stopped', 'lost') AND d.last_seen < now() - $1::bigint * interval '1 microsecond'
  LIMIT $2::bigint)
RETURNING 1::bigint
