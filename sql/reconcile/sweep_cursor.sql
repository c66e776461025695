-- How far the last round of a shard came, if it was cut off.
-- Params:  $1 the shard's number as text, null = the only one.
-- Returns: stage, position; null = it came to its end, and so does no row.
-- Caller:  PostgresLedger.sweepCursor. Of several shards the one row keeps them all: its position is a JSON object,
--          of each shard's number [stage, position]. Its stage is 'ledger' then: a program that knows one shard takes
--          the position for an id that is none, and begins anew.
SELECT CASE WHEN $1::text IS NULL THEN c.stage ELSE k.shards -> $1 ->> 0 END,
  CASE WHEN $1 IS NULL THEN c.position ELSE k.shards -> $1 ->> 1 END
FROM tally.reconcile_cursor c
CROSS JOIN LATERAL (SELECT CASE WHEN c.position LIKE '{%' THEN c.position ELSE '{}' END::jsonb AS shards) k
