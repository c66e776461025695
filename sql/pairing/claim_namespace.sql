-- Makes this the ledger of a namespace; the first to come stays.
-- Params:  $1 name.
-- Returns: the name that it has now.
-- Caller:  PostgresLedger.claimNamespace.
UPDATE tally.identity SET namespace = coalesce(namespace, $1) RETURNING namespace
