-- Every transition of a job, by the mirror's own order. Steps that the ledger made first have a negative seq, which
-- says nothing of when: `JobHistory` puts them where they belong, and tells a cancellation once that a log has too.
-- Params:  $1 uuid id.
-- Returns: epoch, seq, at, event, from, status, version bigint, attempts bigint, actor, error, shard bigint.
-- Caller:  PostgresLedger.events.
SELECT epoch, seq, at, event, from_status, status, version::bigint, attempts::bigint, actor, error, shard::bigint
FROM tally.job_events WHERE job_id = $1::uuid
ORDER BY shard, epoch, seq
