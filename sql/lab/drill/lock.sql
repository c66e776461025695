-- Locks the jobs and then idles inside its transaction: what a careless session does (F33).
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.drillLock.
LOCK TABLE tally.jobs IN ACCESS EXCLUSIVE MODE
