-- Binary COPY of job rows into the unindexed table of copy_table.sql.
-- Params:  none; the rows are the COPY stream
-- Returns: nothing
-- Caller:  PostgresLedger.copyLimit
COPY tally.copy_limit (
  id, type, payload, status, result, error, attempts, max_attempts, created_at, updated_at, scheduled_at, started_at,
  completed_at, worker_id, queue, priority, version, epoch, seq, crashes, max_crashes, attempts_at_start, run_at,
  failed_at, timeout_us, unique_key, unique_lifetime, body_hash, codec, trace, tags, body, result_body,
  header_names, header_values, tenant, limit_key, not_after)
FROM STDIN (FORMAT binary)
