-- Binary COPY of the jobs that a batch creates, in their last state: one that is there already fails the whole, and
-- then mirror/upsert_jobs.sql is taken.
-- Params:  none; the rows are the COPY stream
-- Returns: nothing
-- Caller:  PostgresLedger.apply
COPY tally.jobs (
  id, type, payload, status, result, error, attempts, max_attempts, created_at, updated_at, scheduled_at, started_at,
  completed_at, worker_id, queue, priority, version, epoch, seq, crashes, max_crashes, attempts_at_start, run_at,
  failed_at, timeout_us, unique_key, unique_lifetime, body_hash, codec, trace, tags, body, result_body,
  header_names, header_values, tenant, limit_key, not_after)
FROM STDIN (FORMAT binary)
