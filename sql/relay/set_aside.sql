-- Jobs that no push can bring to the queue: each ends as failed, with the reason, and stands in quarantine, if its
-- row is still at the version of the outbox row. A row that has moved on is another's to bring. Its key is free
-- again; where somebody's transaction holds that, the relay does not wait, and keys/free.sql frees it later.
--
-- Params:  $1 uuid[] job, $2 bigint[] version, $3 text[] reason, $4 bigint shard
-- Returns: how many were set aside, bigint
-- Caller:  PostgresLedger.relay
WITH input AS (
  SELECT i.job, i.version, i.reason FROM unnest($1::uuid[], $2::bigint[], $3::text[]) AS i (job, version, reason)
), moved AS (
  UPDATE tally.jobs j SET
    previous_status = j.status, status = 'failed', completed_at = now(), failed_at = now(), updated_at = now(),
    run_at = NULL, error = 'set aside: ' || i.reason
  FROM input i
  WHERE j.id = i.job AND j.version = i.version AND j.completed_at IS NULL
  RETURNING :moved, j.version, j.epoch, j.attempts, j.error, i.reason
), noted AS (
  INSERT INTO tally.job_events (
    job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor, error)
  SELECT m.id, $4::bigint::smallint, m.epoch, -2 * m.version::bigint - 1, now(), 'repair', m.was, 'failed', m.version,
    m.attempts, 'relay', m.error
  FROM moved m
  ON CONFLICT DO NOTHING
), aside AS (
  INSERT INTO tally.quarantine (job_id, shard, epoch, seq, source, reason, raw)
  SELECT m.id, $4::bigint::smallint, m.epoch, -2 * m.version::bigint - 1, 'outbox', m.reason, '' FROM moved m
), :steps, :counted
SELECT t.rows FROM totals t
