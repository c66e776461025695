-- Of which of these jobs the log of another shard has told: an id that was taken in mode queued on two shards has one
-- row. What the ledger did first stands in no log, and its shard says nothing.
-- Params:  $1 uuid[] ids, $2 bigint shard.
-- Returns: ids.
-- Caller:  PostgresLedger.told.
SELECT DISTINCT e.job_id FROM tally.job_events e
WHERE e.job_id = ANY ($1::uuid[]) AND e.shard <> $2::bigint::smallint AND e.seq > 0
