-- Which transitions the ledger does not have, neither as events nor set aside.
-- Params: $1 uuid[] job, $2 bigint[] epoch, $3 bigint[] seq. Returns: job uuid, epoch, seq.
-- Caller: PostgresLedger.unknownEvents.
SELECT i.job, i.epoch, i.seq
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS i (job, epoch, seq)
WHERE NOT EXISTS (
    SELECT FROM tally.job_events e
    WHERE e.job_id = i.job AND e.shard = 0 AND e.epoch = i.epoch AND e.seq = i.seq)
  AND NOT EXISTS (SELECT FROM tally.quarantine q WHERE q.epoch = i.epoch AND q.seq = i.seq)
  AND NOT EXISTS (
    SELECT FROM tally.audit_log a
    WHERE a.action = 'settle quarantine' AND a.subject = i.epoch || '-' || i.seq)
