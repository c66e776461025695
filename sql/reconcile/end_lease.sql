-- Gives the reconciler's lease back, if it is still this one's.
-- Params:  $1 uuid token.
-- Returns: nothing.
-- Caller:  PostgresLedger.endLease.
DELETE FROM tally.reconciler_lease l WHERE l.token = $1::uuid
