-- Notes workers as seen; an older report never overwrites a newer one. Ids must not repeat within a call.
-- Params:  $1 text[] id, $2 text[] status, $3 timestamptz[] seen, $4 text[] types (JSON), $5 text[] queues (JSON),
--          $6 text[] current job (null = none), $7 text[] metadata (JSON), $8 text[] running (uuid list, `{…}`),
--          $9 integer[] concurrency, $10 timestamptz[] started, $11 text[] host, $12 integer[] pid
-- Returns: nothing
-- Caller:  PostgresLedger.apply
INSERT INTO tally.workers AS w (
  id, status, last_seen, job_types, queues, current_job, metadata, running, concurrency, started_at, host, pid)
SELECT i.id, i.status, i.seen, i.types::jsonb, i.queues::jsonb, i.job, i.metadata::jsonb, i.running::uuid[],
  i.concurrency, i.started, i.host, i.pid
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
  $9::integer[], $10::timestamptz[], $11::text[], $12::integer[])
  AS i (id, status, seen, types, queues, job, metadata, running, concurrency, started, host, pid)
ORDER BY i.id
ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, last_seen = EXCLUDED.last_seen,
  job_types = EXCLUDED.job_types, queues = EXCLUDED.queues, current_job = EXCLUDED.current_job,
  metadata = EXCLUDED.metadata, running = EXCLUDED.running, concurrency = EXCLUDED.concurrency,
  started_at = EXCLUDED.started_at, host = EXCLUDED.host, pid = EXCLUDED.pid
  WHERE w.last_seen <= EXCLUDED.last_seen
