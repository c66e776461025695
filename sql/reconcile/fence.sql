-- Holds the lease to repair in place until the transaction ends.
-- Params:  $1 uuid token.
-- Returns: one row while the token holds the lease.
-- Caller:  PostgresLedger.repairing.
SELECT 1::bigint FROM tally.reconciler_lease l WHERE l.token = $1::uuid AND l.until > clock_timestamp() FOR SHARE
