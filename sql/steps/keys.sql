-- A key that lasts until its job ends is free once that job has ended. One that a client's open transaction holds is
-- not waited for: keys/free.sql frees it later.
-- Reads:   ended
-- Gives:   nothing
-- Caller:  Statements.fragments
keys_due AS MATERIALIZED (
  SELECT k.queue, k.key, k.job_id FROM ended e
  JOIN tally.unique_keys k ON k.queue = e.queue AND k.key = e.unique_key AND k.job_id = e.id
  WHERE e.unique_lifetime = -1
), keys_had AS MATERIALIZED (
  SELECT k.queue, k.key, k.job_id FROM keys_due d JOIN tally.unique_keys k ON k.queue = d.queue AND k.key = d.key
  FOR UPDATE OF k SKIP LOCKED
), keys_released AS (
  DELETE FROM tally.unique_keys u USING keys_had f WHERE u.queue = f.queue AND u.key = f.key AND u.job_id = f.job_id
), keys_later AS (
  INSERT INTO tally.keys_to_free (queue, key, job_id)
  SELECT d.queue, d.key, d.job_id FROM keys_due d EXCEPT SELECT f.queue, f.key, f.job_id FROM keys_had f
  ON CONFLICT DO NOTHING
)
