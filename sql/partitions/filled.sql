-- How many rows lie in each DEFAULT partition, counted up to a bound.
-- Params:  $1 bigint count no further.
-- Returns: table, count bigint.
-- Caller:  PostgresLedger.filledDefaults.
SELECT 'jobs'::text, count(*) FROM (SELECT FROM tally.jobs_default LIMIT $1::bigint) j
UNION ALL
SELECT 'job_events'::text, count(*) FROM (SELECT FROM tally.job_events_default LIMIT $1::bigint) e
