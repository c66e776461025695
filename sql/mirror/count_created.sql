-- Counts copied jobs: accepted, and ended where they have ended.
-- Params:  $1 accepted, $2 completed, $3 failed, $4 cancelled, all bigint
-- Returns: nothing
-- Caller:  PostgresLedger.apply, last in its transaction
UPDATE tally.balances SET accepted = accepted + $1::bigint, completed = completed + $2::bigint,
  failed = failed + $3::bigint, cancelled = cancelled + $4::bigint
