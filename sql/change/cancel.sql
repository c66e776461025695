-- Makes a live row cancelled at `version`, if the row's version is not above it [cancel_version] and the mirror stands in
-- `epoch` [cancel_epoch]. The cursor row is locked, so the mirror cannot enter another epoch meanwhile.
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
), released AS (
  DELETE FROM tally.unique_keys u USING changed c
  WHERE c.unique_lifetime = -1 AND u.queue = c.queue AND u.key = c.unique_key AND u.job_id = c.id
), counted AS (
  UPDATE tally.balances b SET cancelled = b.cancelled + 1 FROM changed
)
SELECT (j.id IS NOT NULL)::integer::bigint, (SELECT count(*) FROM changed), j.status
FROM (SELECT 1) one
LEFT JOIN tally.jobs j ON j.id = $1::uuid
