-- Binary COPY of a batch's events: one that is there already fails the whole, and then mirror/insert_events.sql is
-- taken.
-- Params:  none; the rows are the COPY stream
-- Returns: nothing
-- Caller:  PostgresLedger.apply
COPY tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor, error)
FROM STDIN (FORMAT binary)
