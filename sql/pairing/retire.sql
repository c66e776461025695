-- Every other queue gives way to this one.
-- Params: $1 id, $2 bigint epoch. Returns: nothing. Caller: PostgresLedger.meet.
UPDATE tally.queues q SET gave_way_to = $2::bigint WHERE q.id <> $1 AND q.gave_way_to IS NULL
