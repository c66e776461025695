-- Locks the rows of jobs that have ended, at the versions that were seen, as far as nobody holds them: of two who
-- replay the same job one comes second, and sees what the first has noted. In the order of ids, as everywhere.
-- Params:  $1 uuid[] ids, $2 bigint[] their versions
-- Returns: uuid of each that is locked
-- Caller:  PostgresLedger.claimReplays
SELECT j.id
FROM unnest($1::uuid[], $2::bigint[]) AS w (id, version)
JOIN tally.jobs j ON j.id = w.id AND j.version = w.version
WHERE j.completed_at IS NOT NULL
ORDER BY j.id
FOR UPDATE OF j SKIP LOCKED
