-- Second step of a split: reads the DEFAULT partition to see that it holds nothing else. Others read and write
-- meanwhile.
-- Params:  $1 table.
-- Returns: one row.
-- Caller:  PostgresLedger.splitDefault.
SELECT tally.split_validate($1)::text
