-- The columns of a job as a snapshot reads them, by place.
-- Params:  none
-- Returns: 35 columns of the row of jobs
-- Caller:  Statements.fragments
j.id, j.type, j.queue, j.priority::bigint, j.body, j.codec, j.scheduled_at, j.created_at, j.timeout_us,
  j.attempts_at_start::bigint, j.max_attempts::bigint, j.max_crashes::bigint, j.unique_key, j.unique_lifetime, j.tags,
  j.trace, j.status, j.version::bigint, j.attempts::bigint, j.crashes::bigint, j.run_at, j.error, j.failed_at,
  j.result_body, j.worker_id, j.started_at, j.completed_at, j.updated_at, j.epoch, j.seq, j.header_names,
  j.header_values, j.tenant, j.limit_key, j.not_after
