-- Makes a live row cancelled at `version`, if the row's version is not above it [cancel_version] and the mirror stands in
-- `epoch` [cancel_epoch]. The cursor row is locked, so the mirror cannot enter another epoch meanwhile; so nothing is
-- waited for that a client's transaction may hold: its key, where it is held, is freed later by keys/free.sql.
--
-- Params:  $1 uuid id, $2 bigint version, $3 bigint epoch, $4 actor
-- Returns: found bigint (0/1), done bigint (0/1), status found
-- Caller:  PostgresLedger.recordCancel
WITH standing AS MATERIALIZED (
  SELECT epoch FROM tally.mirror_cursor WHERE shard = 0 AND epoch = $3::bigint FOR SHARE
), changed AS (
  UPDATE tally.jobs j SET
    previous_status = j.status, status = 'cancelled', version = $2::bigint, completed_at = now(), updated_at = now(),
    run_at = NULL
  WHERE j.id = $1::uuid AND j.completed_at IS NULL AND j.version <= $2::bigint
    AND ($3::bigint = 0 AND NOT EXISTS (SELECT FROM tally.mirror_cursor WHERE shard = 0)
      OR EXISTS (SELECT FROM standing))
  RETURNING j.id, j.version, j.previous_status, j.epoch, j.attempts, j.queue, j.unique_key, j.unique_lifetime
), noted AS (
  INSERT INTO tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor)
  SELECT c.id, 0, c.epoch, -2 * c.version::bigint - 1, now(), 'cancel', c.previous_status, 'cancelled', c.version,
    c.attempts, $4::text
  FROM changed c
  ON CONFLICT DO NOTHING
), due AS MATERIALIZED (
  SELECT k.queue, k.key, k.job_id FROM changed c
  JOIN tally.unique_keys k ON k.queue = c.queue AND k.key = c.unique_key AND k.job_id = c.id
  WHERE c.unique_lifetime = -1
), free AS MATERIALIZED (
  SELECT k.queue, k.key, k.job_id FROM due d JOIN tally.unique_keys k ON k.queue = d.queue AND k.key = d.key
  FOR UPDATE OF k SKIP LOCKED
), released AS (
  DELETE FROM tally.unique_keys u USING free f WHERE u.queue = f.queue AND u.key = f.key AND u.job_id = f.job_id
), later AS (
  INSERT INTO tally.keys_to_free (queue, key, job_id)
  SELECT d.queue, d.key, d.job_id FROM due d EXCEPT SELECT f.queue, f.key, f.job_id FROM free f
  ON CONFLICT DO NOTHING
), counted AS (
  UPDATE tally.balances b SET cancelled = b.cancelled + 1 FROM changed
)
SELECT (j.id IS NOT NULL)::integer::bigint, (SELECT count(*) FROM changed), j.status
FROM (SELECT 1) one
LEFT JOIN tally.jobs j ON j.id = $1::uuid
