-- Jobs that no push can bring to the queue: each ends as failed, with the reason, and stands in quarantine, if its row is
-- still at the version of the outbox row. A row that has moved on is another's to bring. Its key is free again; where
-- somebody's transaction holds that, the relay does not wait, and keys/free.sql frees it later.
--
-- Params:  $1 uuid[] job, $2 bigint[] version, $3 text[] reason
-- Returns: how many were set aside, bigint
-- Caller:  PostgresLedger.relay
WITH input AS (
  SELECT i.job, i.version, i.reason FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS i (job, version, reason)
), changed AS (
  UPDATE tally.jobs j SET
    previous_status = j.status, status = 'failed', completed_at = now(), failed_at = now(), updated_at = now(),
    run_at = NULL, error = 'set aside: ' || i.reason
  FROM input i
  WHERE j.id = i.job AND j.version = i.version AND j.completed_at IS NULL
  RETURNING j.id, j.version, j.previous_status, j.epoch, j.attempts, j.queue, j.unique_key, j.unique_lifetime,
    j.error, i.reason
), noted AS (
  INSERT INTO tally.job_events (
    job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor, error)
  SELECT c.id, 0, c.epoch, -2 * c.version::bigint - 1, now(), 'repair', c.previous_status, 'failed', c.version,
    c.attempts, 'relay', c.error
  FROM changed c
  ON CONFLICT DO NOTHING
), aside AS (
  INSERT INTO tally.quarantine (job_id, epoch, seq, source, reason, raw)
  SELECT c.id, c.epoch, -2 * c.version::bigint - 1, 'outbox', c.reason, '' FROM changed c
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
), sum AS (
  SELECT count(*) AS jobs FROM changed
), counted AS (
  UPDATE tally.balances b SET failed = b.failed + sum.jobs FROM sum WHERE sum.jobs > 0
)
SELECT sum.jobs FROM sum
