-- Jobs by id; absent ones are absent.
-- Params:  $1 uuid[] ids.
-- Returns: the snapshot.
-- Caller:  PostgresLedger.jobs.
SELECT :snapshot
FROM tally.jobs j WHERE j.id = ANY ($1::uuid[])
