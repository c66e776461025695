-- Lets one process at a time decide which queue is this ledger's, until its transaction ends.
-- Params:  none.
-- Returns: one row.
-- Caller:  PostgresLedger.meet.
SELECT pg_advisory_xact_lock(1952541804, hashtext('tally' || ' pairing'))
