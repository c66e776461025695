-- The shard, other than this one, whose queue is in this server process and database.
-- Params:  $1 bigint shard, $2 server.
-- Returns: bigint; no row = none.
-- Caller:  PostgresLedger.meet.
SELECT q.shard::bigint FROM tally.queues q
WHERE q.shard <> $1::bigint::smallint AND q.server = $2 AND q.gave_way_to IS NULL ORDER BY q.shard LIMIT 1
