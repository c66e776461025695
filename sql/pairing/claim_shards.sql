-- Writes how many shards this ledger has; the first to come stays.
-- Params:  $1 bigint.
-- Returns: the count that it has now, bigint.
-- Caller:  PostgresLedger.claimShards.
UPDATE tally.identity i SET shards = coalesce(i.shards, $1::bigint::smallint) RETURNING i.shards::bigint
