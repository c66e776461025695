-- What the steps read of a row that a statement has just changed; it stands in its RETURNING.
-- Params:  none
-- Returns: the columns of `moved`, the status before the change among them
-- Caller:  Statements.fragments
j.id, j.previous_status AS was, j.status, j.queue, j.type, j.worker_id, j.started_at, j.completed_at, j.unique_key,
  j.unique_lifetime
