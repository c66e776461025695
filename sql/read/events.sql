-- Every transition of a job, oldest first: by the mirror's own order, with steps that the ledger made first where
-- they belong: a requeue begins its version, a cancel ends it.
-- Params:  $1 uuid id.
-- Returns: epoch, seq, at, event, from, status, version bigint, attempts bigint, actor, error, shard bigint.
-- Caller:  PostgresLedger.events.
SELECT epoch, seq, at, event, from_status, status, version::bigint, attempts::bigint, actor, error, shard::bigint
FROM tally.job_events WHERE job_id = $1::uuid
ORDER BY epoch, version, seq < 0 AND event = 'cancel', seq
