-- Takes back the first step of a split that goes no further.
-- Params:  $1 table.
-- Returns: one row.
-- Caller:  PostgresLedger.splitDefault.
SELECT tally.split_abandon($1)::text
