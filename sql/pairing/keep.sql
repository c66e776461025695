-- Notes a shard's queue as it was just seen: its latest history, and up to 16 places at which it was reached.
-- Params:  $1 id, $2 bigint epoch, $3 server, $4 place, $5 bigint shard.
-- Returns: nothing.
-- Caller:  PostgresLedger.meet.
INSERT INTO tally.queues AS q (id, epoch, server, places, shard)
VALUES ($1, $2::bigint, $3, ARRAY[$4], $5::bigint::smallint)
ON CONFLICT (id) DO UPDATE SET epoch = EXCLUDED.epoch, server = EXCLUDED.server, seen_at = EXCLUDED.seen_at,
  gave_way_to = NULL,
  places = (array_remove(q.places, $4) || $4)[greatest(1, cardinality(array_remove(q.places, $4)) - 14):]
