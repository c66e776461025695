-- The namespace that this ledger belongs to.
-- Params:  none.
-- Returns: text, null = none yet.
-- Caller:  PostgresLedger.claimNamespace.
SELECT i.namespace FROM tally.identity i
