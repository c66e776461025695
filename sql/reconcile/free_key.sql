-- Frees a leaked unique key, if that job holds it still and has still ended, or its time is over. Not while
-- somebody's open transaction holds it: the next run meets it again.
-- Params:  $1 queue, $2 key, $3 uuid job, $4 actor.
-- Returns: one row if it was freed.
-- Caller:  PostgresLedger.freeKey.
WITH held AS MATERIALIZED (
  SELECT k.queue, k.key, k.job_id FROM tally.unique_keys k
  WHERE k.queue = $1 AND k.key = $2 AND k.job_id = $3::uuid
    AND (k.until <= clock_timestamp() OR k.until = 'infinity' AND NOT EXISTS (
      SELECT FROM tally.jobs j WHERE j.id = k.job_id AND (j.completed_at IS NULL OR j.unique_lifetime <> -1)))
  FOR UPDATE OF k SKIP LOCKED
), freed AS (
  DELETE FROM tally.unique_keys u USING held h WHERE u.queue = h.queue AND u.key = h.key AND u.job_id = h.job_id
  RETURNING u.queue, u.key, u.job_id
), noted AS (
  INSERT INTO tally.audit_log (actor, action, subject, detail)
  SELECT $4, 'free unique key', f.queue, jsonb_build_object('key', f.key, 'job', f.job_id) FROM freed f
)
SELECT 1::bigint FROM freed
