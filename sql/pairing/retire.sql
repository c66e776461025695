-- Every other queue of the shard gives way to this one.
-- Params:  $1 id, $2 bigint epoch, $3 bigint shard.
-- Returns: nothing.
-- Caller:  PostgresLedger.meet.
UPDATE tally.queues q SET gave_way_to = $2::bigint
WHERE q.shard = $3::bigint::smallint AND q.id <> $1 AND q.gave_way_to IS NULL
