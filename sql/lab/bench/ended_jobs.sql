-- Adds jobs that ended within the last hour: history beneath the reconciler's sweeps.
--
-- Params:  $1 bigint how many; $2 bytea the body of each, JSON
-- Returns: nothing
-- Caller:  PostgresLedger.addEndedJobs
WITH made AS (
  INSERT INTO tally.jobs (
    id, type, payload, status, created_at, updated_at, scheduled_at, started_at, completed_at, worker_id, queue,
    version, epoch, seq, body_hash, body)
  SELECT (left(tally.id_at(now() - n * interval '1 ms')::text, 15) || substr(gen_random_uuid()::text, 16))::uuid,
    'bench.noop', convert_from($2, 'UTF8')::jsonb, 'completed', now(), now(), now(), now(), now(), 'bench', 'bench',
    2, 1, n, 0, $2
  FROM generate_series(1, $1::bigint) n
  RETURNING 1)
UPDATE tally.balances SET accepted = accepted + made.count, completed = completed + made.count
FROM (SELECT count(*) AS count FROM made) made
