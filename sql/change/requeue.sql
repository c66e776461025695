-- failed → pending (or scheduled) at version + 1, with event and outbox row, if the row is failed at the version that
-- the caller saw [requeue_version]. The row keeps that version as its floor [requeue_floor]. Crashes start again, for
-- the queue starts them again; a key that lasts until the end is taken again if it is free. A job whose effect is
-- committed is done: it runs again only where that is asked for, and then its effect is forgotten.
--
-- Params:  $1 uuid id, $2 bigint version seen, $3 timestamptz run at (null = now), $4 bigint reset attempts (0/1), $5 actor,
--          $6 bigint despite its effect (0/1)
-- Returns: found bigint (0/1), new version bigint (null = not done), status found, kept by its effect bigint (0/1)
-- Caller:  PostgresLedger.requeue
WITH changed AS (
  UPDATE tally.jobs j SET
    previous_status = j.status,
    status = CASE WHEN $3::timestamptz > now() THEN 'scheduled' ELSE 'pending' END,
    run_at = CASE WHEN $3::timestamptz > now() THEN $3 END,
    version = j.version + 1, floor = j.version + 1, completed_at = NULL, updated_at = now(), crashes = 0,
    attempts = CASE WHEN $4::bigint <> 0 THEN 0 ELSE j.attempts END,
    error = CASE WHEN $4::bigint = 0 THEN j.error END, failed_at = CASE WHEN $4::bigint = 0 THEN j.failed_at END
  WHERE j.id = $1::uuid AND j.status = 'failed' AND j.version = $2::bigint
    AND ($6::bigint <> 0 OR NOT EXISTS (SELECT FROM tally.job_effects e WHERE e.job_id = j.id))
  RETURNING j.id, j.version, j.status, j.epoch, j.attempts, j.run_at, j.queue, j.unique_key, j.unique_lifetime
), noted AS (
  INSERT INTO tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor)
  SELECT c.id, 0, c.epoch, -2 * c.version::bigint, now(), 'requeue', 'failed', c.status, c.version, c.attempts, $5::text
  FROM changed c
  ON CONFLICT DO NOTHING
), forgotten AS (
  DELETE FROM tally.job_effects e USING changed c WHERE e.job_id = c.id
), sent AS (
  INSERT INTO tally.outbox (kind, ids, versions, run_at, first_id, last_id, queue)
  SELECT 'requeue', ARRAY[c.id], ARRAY[c.version], c.run_at, c.id, c.id, c.queue FROM changed c
), kept AS (
  INSERT INTO tally.unique_keys (queue, key, job_id, until)
  SELECT c.queue, c.unique_key, c.id, 'infinity' FROM changed c WHERE c.unique_lifetime = -1
  ON CONFLICT DO NOTHING
), counted AS (
  UPDATE tally.balances b SET failed = b.failed - 1 FROM changed
)
SELECT (j.id IS NOT NULL)::integer::bigint, c.version::bigint, j.status,
  (c.id IS NULL AND j.status = 'failed' AND j.version = $2::bigint)::integer::bigint
FROM (SELECT 1) one
LEFT JOIN tally.jobs j ON j.id = $1::uuid
LEFT JOIN changed c ON true
