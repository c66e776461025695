-- How many jobs a condition of an operator's means, by status. The condition as in replay/matching.sql.
-- Params:  none
-- Returns: status, bigint how many
-- Caller:  PostgresLedger.statuses
SELECT jobs.status, count(*)
FROM (SELECT :replay_columns FROM tally.jobs j) jobs
WHERE (
:condition
)
GROUP BY jobs.status
