-- Frees a leaked unique key, if that job holds it still and has still ended.
-- Params: $1 queue, $2 key, $3 uuid job, $4 actor. Returns: one row if it was freed. Caller: PostgresLedger.freeKey.
WITH freed AS (
  DELETE FROM tally.unique_keys u
  WHERE u.queue = $1 AND u.key = $2 AND u.job_id = $3::uuid AND u.until = 'infinity' AND NOT EXISTS (
    SELECT FROM tally.jobs j WHERE j.id = u.job_id AND (j.completed_at IS NULL OR j.unique_lifetime <> -1))
  RETURNING u.queue, u.key, u.job_id
), noted AS (
  INSERT INTO tally.audit_log (actor, action, subject, detail)
  SELECT $4, 'free unique key', f.queue, jsonb_build_object('key', f.key, 'job', f.job_id) FROM freed f
)
SELECT 1::bigint FROM freed
