-- failed → pending (or scheduled) at version + 1, with event and outbox row, if the row is failed at the version that
-- the caller saw [requeue_version]. The row keeps that version as its floor [requeue_floor]. Crashes start again, for
-- the queue starts them again; a key that lasts until the end is taken again if it is free; of a queue whose keys
-- Redis keeps the relay takes it there. The event stands on shard 0 whichever the job is on: it is in no log. A job
-- whose effect is committed is done: it runs again only where that is asked for, and then its effect is forgotten.
--
-- Params:  $1 uuid id, $2 bigint version seen, $3 timestamptz run at (null = now), $4 bigint reset attempts (0/1),
--          $5 actor, $6 bigint despite its effect (0/1)
-- Returns: found bigint (0/1), new version bigint (null = not done), status found, kept by its effect bigint (0/1),
--          whether another requeue was first bigint (0/1): this statement saw the row as it was before that
-- Caller:  PostgresLedger.requeue
WITH moved AS (
  UPDATE tally.jobs j SET
    previous_status = j.status,
    status = CASE WHEN $3::timestamptz > now() THEN 'scheduled' ELSE 'pending' END,
    run_at = CASE WHEN $3::timestamptz > now() THEN $3 END,
    version = j.version + 1, floor = j.version + 1, completed_at = NULL, updated_at = now(), crashes = 0,
    attempts = CASE WHEN $4::bigint <> 0 THEN 0 ELSE j.attempts END,
    error = CASE WHEN $4::bigint = 0 THEN j.error END, failed_at = CASE WHEN $4::bigint = 0 THEN j.failed_at END
  WHERE j.id = $1::uuid AND j.status = 'failed' AND j.version = $2::bigint
    AND ($6::bigint <> 0 OR NOT EXISTS (SELECT FROM tally.job_effects e WHERE e.job_id = j.id))
  RETURNING :moved, j.version, j.epoch, j.attempts, j.run_at
), noted AS (
  INSERT INTO tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor)
  SELECT m.id, 0, m.epoch, -2 * m.version::bigint, now(), 'requeue', 'failed', m.status, m.version, m.attempts,
    $5::text
  FROM moved m
  ON CONFLICT DO NOTHING
), forgotten AS (
  DELETE FROM tally.job_effects e USING moved m WHERE e.job_id = m.id
), sent AS (
  INSERT INTO tally.outbox (kind, ids, versions, run_at, first_id, last_id, queue)
  SELECT 'requeue', ARRAY[m.id], ARRAY[m.version], m.run_at, m.id, m.id, m.queue FROM moved m
), kept AS (
  INSERT INTO tally.unique_keys (queue, key, job_id, until)
  SELECT m.queue, m.unique_key, m.id, 'infinity' FROM moved m
  WHERE m.unique_lifetime = -1 AND NOT EXISTS (SELECT FROM tally.key_homes h WHERE h.queue = m.queue)
  ON CONFLICT DO NOTHING
), :totals, :counted
SELECT (j.id IS NOT NULL)::integer::bigint, m.version::bigint, j.status,
  (m.id IS NULL AND j.status = 'failed' AND j.version = $2::bigint AND $6::bigint = 0
    AND EXISTS (SELECT FROM tally.job_effects e WHERE e.job_id = $1::uuid))::integer::bigint,
  (m.id IS NULL AND j.status = 'failed' AND j.version = $2::bigint)::integer::bigint
FROM (SELECT 1) one
LEFT JOIN tally.jobs j ON j.id = $1::uuid
LEFT JOIN moved m ON true
