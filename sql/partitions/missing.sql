-- The months without a partition of their own, by this server's clock.
-- Params:  $1 bigint months ahead of this one.
-- Returns: text, in order.
-- Caller:  PostgresLedger.missingPartitions.
SELECT m.name FROM tally.months_missing($1::bigint::integer) m ORDER BY m.name
