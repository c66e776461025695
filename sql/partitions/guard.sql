-- First step of a split: the DEFAULT partition takes no row outside the months that it is about to become. A moment's
-- exclusive lock, or 55P03 after a short wait.
-- Params:  $1 table.
-- Returns: the name that it will have, null = it is empty.
-- Caller:  PostgresLedger.splitDefault.
SELECT tally.split_guard($1)
