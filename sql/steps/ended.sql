-- The jobs among those that moved that have ended.
-- Reads:   moved
-- Gives:   ended, with the same columns
-- Caller:  Statements.fragments
ended AS (
  SELECT m.id, m.was, m.status, m.queue, m.type, m.worker_id, m.started_at, m.completed_at, m.unique_key,
    m.unique_lifetime
  FROM moved m
  WHERE m.status IN ('completed', 'failed', 'cancelled')
)
