-- What stands in quarantine, oldest first.
-- Params: $1 bigint at most so many. Returns: id bigint, job uuid, epoch, seq, source, reason, shard bigint.
-- Caller: PostgresLedger.quarantined.
SELECT q.id, q.job_id, q.epoch, q.seq, q.source, q.reason, q.shard::bigint FROM tally.quarantine q ORDER BY q.id LIMIT $1::bigint
