-- Counts what a batch did to the totals: last in its transaction, so that their one row is locked only while the
-- commit is written, and never before the row of a job.
-- Params:  $1 accepted, $2 completed, $3 failed, $4 cancelled, all bigint
-- Returns: nothing
-- Caller:  PostgresLedger.apply, freeKeys
UPDATE tally.balances SET accepted = accepted + $1::bigint, completed = completed + $2::bigint,
  failed = failed + $3::bigint, cancelled = cancelled + $4::bigint
