-- The jobs that a rollback of one Redis can have touched, and more: events after the last entry that it kept, steps
-- that the ledger made first since that entry, and live rows that no log entry has reached.
-- Params:  $1 $2 bigint epoch and seq of the last kept entry, $3 bigint the new epoch, $4 timestamptz of that entry,
--          less a margin between clocks, $5 bigint at most so many, $6 bigint shard
-- Returns: id
-- Caller:  PostgresLedger.window
SELECT DISTINCT w.id FROM (
  SELECT e.job_id AS id FROM tally.job_events e
  WHERE e.shard = $6::bigint::smallint AND e.epoch >= $1::bigint AND e.epoch < $3::bigint
    AND (e.epoch, e.seq) > ($1::bigint, $2::bigint)
  UNION ALL
  SELECT e.job_id FROM tally.job_events e WHERE e.seq < 0 AND e.at >= $4::timestamptz
  UNION ALL
  SELECT j.id FROM tally.jobs j WHERE j.completed_at IS NULL AND (j.epoch = 0 OR j.updated_at >= $4::timestamptz)
) w LIMIT $5::bigint
