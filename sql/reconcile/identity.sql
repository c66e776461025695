-- Which ledger this is.
-- Params:  none.
-- Returns: text.
-- Caller:  PostgresLedger.identity.
SELECT i.id::text FROM tally.identity i
