-- Which transitions the ledger does not have, neither as events nor set aside.
-- Params:  $1 uuid[] job, $2 bigint[] epoch, $3 bigint[] seq, $4 bigint shard.
-- Returns: job uuid, epoch, seq.
-- Caller:  PostgresLedger.unknownEvents.
SELECT i.job, i.epoch, i.seq
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS i (job, epoch, seq)
WHERE NOT EXISTS (
    SELECT FROM tally.job_events e
    WHERE e.job_id = i.job AND e.shard = $4::bigint::smallint AND e.epoch = i.epoch AND e.seq = i.seq)
  AND NOT EXISTS (
    SELECT FROM tally.quarantine q
    WHERE q.shard = $4::bigint::smallint AND q.epoch = i.epoch AND q.seq = i.seq)
  AND NOT EXISTS (
    SELECT FROM tally.audit_log a
    WHERE a.action = 'settle quarantine'
      AND a.subject = CASE WHEN $4::bigint > 0 THEN $4::bigint || '/' ELSE '' END || i.epoch || '-' || i.seq)
