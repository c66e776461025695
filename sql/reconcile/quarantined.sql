-- What stands in quarantine, oldest first.
-- Params:  $1 bigint at most so many, $2 bigint the id behind which to begin.
-- Returns: id bigint, job uuid, epoch, seq, source, reason, shard bigint.
-- Caller:  PostgresLedger.quarantined.
SELECT q.id, q.job_id, q.epoch, q.seq, q.source, q.reason, q.shard::bigint FROM tally.quarantine q
WHERE q.id > $2::bigint ORDER BY q.id LIMIT $1::bigint
