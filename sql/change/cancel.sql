-- Makes a live row cancelled at `version`, if the row's version is not above it [cancel_version] and the mirror
-- stands in `epoch` of the job's shard [cancel_epoch]. The cursor row is locked, so the mirror cannot enter another
-- epoch meanwhile; so nothing is waited for that a client's transaction may hold: its key, where it is held, is freed
-- later by keys/free.sql.
--
-- Params:  $1 uuid id, $2 bigint version, $3 bigint epoch, $4 actor, $5 bigint shard
-- Returns: found bigint (0/1), done bigint (0/1), status found
-- Caller:  PostgresLedger.recordCancel
WITH standing AS MATERIALIZED (
  SELECT epoch FROM tally.mirror_cursor WHERE shard = $5::bigint::smallint AND epoch = $3::bigint FOR SHARE
), moved AS (
  UPDATE tally.jobs j SET
    previous_status = j.status, status = 'cancelled', version = $2::bigint, completed_at = now(), updated_at = now(),
    run_at = NULL
  WHERE j.id = $1::uuid AND j.completed_at IS NULL AND j.version <= $2::bigint
    AND ($3::bigint = 0 AND NOT EXISTS (SELECT FROM tally.mirror_cursor WHERE shard = $5::bigint::smallint)
      OR EXISTS (SELECT FROM standing))
  RETURNING :moved, j.version, j.epoch, j.attempts
), noted AS (
  INSERT INTO tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor)
  SELECT m.id, $5::bigint::smallint, m.epoch, -2 * m.version::bigint - 1, now(), 'cancel', m.was, 'cancelled',
    m.version, m.attempts, $4::text
  FROM moved m
  ON CONFLICT DO NOTHING
), :steps, :counted
SELECT (j.id IS NOT NULL)::integer::bigint, (SELECT t.rows FROM totals t), j.status
FROM (SELECT 1) one
LEFT JOIN tally.jobs j ON j.id = $1::uuid
