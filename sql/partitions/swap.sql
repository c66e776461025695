-- Last step of a split: the DEFAULT partition becomes that of its months, an empty one takes its place. A moment's
-- exclusive lock, or 55P03 after a short wait; no row is copied, and none is hidden.
-- Params:  $1 table.
-- Returns: one row.
-- Caller:  PostgresLedger.splitDefault.
SELECT tally.split_swap($1)::text
