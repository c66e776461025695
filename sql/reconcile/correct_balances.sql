-- Puts the totals right by differences, and says so in the audit log: never a silent overwrite.
-- Params:  $1 $2 $3 $4 bigint differences of accepted, completed, failed, cancelled, $5 actor
-- Returns: nothing
-- Caller:  PostgresLedger.correctBalances
WITH corrected AS (
  UPDATE tally.balances b SET accepted = b.accepted + $1::bigint, completed = b.completed + $2::bigint,
    failed = b.failed + $3::bigint, cancelled = b.cancelled + $4::bigint
  RETURNING 1
)
INSERT INTO tally.audit_log (actor, action, subject, detail)
SELECT $5, 'correct balances', 'balances', jsonb_build_object(
  'accepted', $1::bigint, 'completed', $2::bigint, 'failed', $3::bigint, 'cancelled', $4::bigint)
FROM corrected
