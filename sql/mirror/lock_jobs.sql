-- Waits for whoever holds the table as a whole, such as a migration; afterwards a lock that is not to be had in time
-- is one of a single row.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.apply, on the second try
LOCK TABLE tally.jobs IN ROW EXCLUSIVE MODE
