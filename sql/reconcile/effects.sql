-- Which of the jobs have their effect committed: those may not run again, and end as completed.
-- Params:  $1 uuid[] ids.
-- Returns: job id.
-- Caller:  PostgresLedger.effects.
SELECT e.job_id FROM tally.job_effects e WHERE e.job_id = ANY ($1::uuid[])
