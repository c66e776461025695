-- What a condition of `tally replay` may name; it stands in the statements below replay, which call the rows `jobs`.
-- Params:  none
-- Returns: columns of the row of jobs
-- Caller:  Statements.fragments
j.id, j.type, j.queue, j.priority, j.status, j.version, j.attempts, j.max_attempts, j.crashes, j.payload, j.result,
  j.error, j.tags, j.tenant, j.trace, j.unique_key, j.codec, j.worker_id, j.created_at, j.scheduled_at, j.started_at,
  j.completed_at, j.failed_at, j.updated_at
