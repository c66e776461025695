-- What committed effects brought along: the results of jobs that end because their effect is committed.
-- Params:  $1 uuid[] ids.
-- Returns: job id, bytea result.
-- Caller:  PostgresLedger.keepResults.
SELECT e.job_id, e.result FROM tally.job_effects e WHERE e.job_id = ANY ($1::uuid[]) AND e.result IS NOT NULL
