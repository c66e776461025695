-- The queues that this ledger knows of a shard: its own first, then those that gave way, the latest first.
-- Params:  $1 bigint shard, $2 bigint limit.
-- Returns: id, epoch bigint, server, places one a line, µs since it was last reported bigint, epoch that it gave way
--          to bigint (null = it is the ledger's queue).
-- Caller:  PostgresLedger.meet.
SELECT q.id, q.epoch, q.server, array_to_string(q.places, E'\n'),
  (extract(epoch FROM clock_timestamp() - q.seen_at) * 1000000)::bigint, q.gave_way_to
FROM tally.queues q WHERE q.shard = $1::bigint::smallint ORDER BY q.gave_way_to DESC NULLS FIRST
LIMIT $2::bigint
