-- Jobs that no push can bring to the queue: each ends as failed, with the reason, and stands in quarantine, if its row is
-- still at the version of the outbox row. Its key is free again. A row that has moved on is another's to bring.
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
), released AS (
  DELETE FROM tally.unique_keys u USING changed c
  WHERE c.unique_lifetime = -1 AND u.queue = c.queue AND u.key = c.unique_key AND u.job_id = c.id
), sum AS (
  SELECT count(*) AS jobs FROM changed
), counted AS (
  UPDATE tally.balances b SET failed = b.failed + sum.jobs FROM sum WHERE sum.jobs > 0
)
SELECT sum.jobs FROM sum
