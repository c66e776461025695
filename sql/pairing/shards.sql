-- How many shards this ledger has, or would have: what an older program was the first to pair has one.
-- Params:  $1 bigint the count that a first user brings.
-- Returns: bigint, then whether it is decided bigint (0/1).
-- Caller:  PostgresLedger.claimShards.
SELECT coalesce(i.shards::bigint, CASE WHEN EXISTS (SELECT FROM tally.queues) THEN 1 ELSE $1::bigint END),
  (i.shards IS NOT NULL)::integer::bigint
FROM tally.identity i
