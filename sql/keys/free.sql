-- Frees keys whose jobs have ended and that somebody's open transaction held just then, as far as nobody holds them
-- now. A job that was requeued meanwhile keeps its key; a note that is about nothing any more goes.
--
-- Params:  $1 bigint at most so many
-- Returns: how many notes are settled, bigint
-- Caller:  PostgresLedger.freeKeys
WITH free AS MATERIALIZED (
  SELECT n.queue, n.key, n.job_id
  FROM tally.keys_to_free n
  JOIN tally.unique_keys k ON k.queue = n.queue AND k.key = n.key AND k.job_id = n.job_id
  JOIN tally.jobs j ON j.id = n.job_id AND j.completed_at IS NOT NULL
  LIMIT $1::bigint
  FOR UPDATE OF n, k, j SKIP LOCKED
), released AS (
  DELETE FROM tally.unique_keys u USING free f WHERE u.queue = f.queue AND u.key = f.key AND u.job_id = f.job_id
), idle AS MATERIALIZED (
  SELECT n.queue, n.key, n.job_id
  FROM tally.keys_to_free n
  WHERE NOT EXISTS (
      SELECT FROM tally.unique_keys k WHERE k.queue = n.queue AND k.key = n.key AND k.job_id = n.job_id)
    OR EXISTS (SELECT FROM tally.jobs j WHERE j.id = n.job_id AND j.completed_at IS NULL)
  LIMIT $1::bigint
  FOR UPDATE OF n SKIP LOCKED
), settled AS (
  DELETE FROM tally.keys_to_free n
  USING (SELECT f.queue, f.key, f.job_id FROM free f UNION SELECT i.queue, i.key, i.job_id FROM idle i) s
  WHERE n.queue = s.queue AND n.key = s.key AND n.job_id = s.job_id
  RETURNING 1
)
SELECT count(*) FROM settled
