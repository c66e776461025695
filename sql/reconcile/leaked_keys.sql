-- Unique keys that last until their job ends, held by a job that has ended or is not there; and those whose time is
-- over.
-- Params:  $1 queue and $2 key after which to go on, $3 bigint at most so many.
-- Returns: queue, key, job uuid.
-- Caller:  PostgresLedger.leakedKeys.
SELECT u.queue, u.key, u.job_id
FROM tally.unique_keys u LEFT JOIN tally.jobs j ON j.id = u.job_id
WHERE (u.queue, u.key) > ($1, $2)
  AND (u.until <= clock_timestamp()
    OR u.until = 'infinity' AND (j.id IS NULL OR j.completed_at IS NOT NULL AND j.unique_lifetime = -1))
ORDER BY u.queue, u.key LIMIT $3::bigint
