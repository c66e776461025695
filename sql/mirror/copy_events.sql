-- Binary COPY of a batch's events. Caller: PostgresLedger.apply
COPY tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor, error)
FROM STDIN (FORMAT binary)
