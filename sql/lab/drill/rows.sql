-- Every row of the ledger in id order, a page at a time: the ledger's side of the drill's history checker.
-- Params:  $1 uuid after, $2 bigint limit.
-- Returns: id, status, version, attempts, crashes, max_attempts, max_crashes; numbers are bigint.
-- Caller:  PostgresLedger.drillRows.
SELECT id, status, version::bigint, attempts::bigint, crashes::bigint, max_attempts::bigint, max_crashes::bigint
FROM tally.jobs WHERE id > $1::uuid ORDER BY id LIMIT $2::bigint
