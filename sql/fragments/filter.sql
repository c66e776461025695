-- What a listing may ask for; it stands in the WHERE of read/list_oldest.sql and read/list_newest.sql.
-- Params:  $1 queue, $2 type, $3 status (each null = any)
-- Returns: a condition on the row of jobs
-- Caller:  Statements.fragments
($1::text IS NULL OR j.queue = $1)
  AND ($2::text IS NULL OR j.type = $2)
  AND ($3::text IS NULL OR j.status = $3)
  -- Implied by the status; each opens a partial index that may not name it.
  AND ($3::text IS NULL OR $3 IN ('completed', 'failed', 'cancelled') OR j.completed_at IS NULL)
  AND ($3::text IS DISTINCT FROM 'failed' OR j.failed_at IS NOT NULL)
