-- Makes partitions ahead.
-- Params:  $1 months bigint.
-- Returns: how many were made, bigint.
-- Caller:  PostgresLedger.makePartitions.
SELECT tally.make_partitions($1::bigint::integer)::bigint
