-- One page of the jobs that a condition of an operator's means, by id, with what decides whether they may run anew.
-- The condition stands for `:condition`: one expression, checked to stay within its parentheses, in a transaction
-- that only reads.
-- Params:  $1 uuid after, $2 uuid before, $3 bigint limit
-- Returns: uuid id, status, bigint version, queue, type, bigint whether its body is kept, bigint whether its effect
--          is committed, bigint whether it was replayed before
-- Caller:  PostgresLedger.matching
WITH matching AS (
  SELECT jobs.id FROM (
    SELECT :replay_columns FROM tally.jobs j WHERE j.id > $1::uuid AND j.id < $2::uuid
  ) jobs
  WHERE (
:condition
  )
  ORDER BY jobs.id LIMIT $3::bigint
)
SELECT j.id, j.status, j.version::bigint, j.queue, j.type, (j.body IS NOT NULL)::integer::bigint,
  EXISTS (SELECT FROM tally.job_effects e WHERE e.job_id = j.id)::integer::bigint,
  EXISTS (SELECT FROM tally.audit_log a WHERE a.action = 'replay' AND a.subject = j.id::text)::integer::bigint
FROM matching m JOIN tally.jobs j ON j.id = m.id
ORDER BY j.id
