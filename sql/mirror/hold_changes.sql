-- Keeps what a batch has for jobs whose rows somebody's transaction holds, in order, as mirror/change.sql
-- would take it.
-- Params:  those of mirror/change.sql
-- Returns: nothing
-- Caller:  PostgresLedger.apply, on the second try, and where changes of the same jobs are kept already
INSERT INTO tally.held_changes (job_id, epoch, version, seq, status, at, started_at, completed_at, run_at, worker_id,
  attempts, crashes, error, result_body, priority)
SELECT c.id, c.epoch, c.version, c.seq, c.status, c.at, c.started_at, c.completed_at, c.run_at, c.worker_id,
  c.attempts, c.crashes, c.error, c.result_body, c.priority
FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::timestamptz[], $7::timestamptz[],
  $8::timestamptz[], $9::timestamptz[], $10::text[], $11::integer[], $12::integer[], $13::text[], $14::text[],
  $15::bytea[], $16::integer[]) AS c (id, epoch, version, seq, status, at, started_at, completed_at, run_at,
  worker_id, attempts, crashes, error, result, result_body, priority)
ON CONFLICT DO NOTHING
