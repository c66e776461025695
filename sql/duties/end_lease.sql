-- Gives the lease of a name back, if it is still this one's.
-- Params:  $1 name, $2 uuid token.
-- Returns: nothing.
-- Caller:  PostgresLedger.endLease.
DELETE FROM tally.duty_leases l WHERE l.name = $1 AND l.token = $2::uuid
