-- The demo's files that ran longest.
-- Params:  none.
-- Returns: run in ms, bytes, type, path; all text.
-- Caller:  DemoReport.
SELECT round(extract(epoch FROM completed_at - started_at) * 1000, 1)::text, result->>'size', result->>'type',
  payload->>'path'
FROM tally.jobs
WHERE type = 'demo.file' AND status = 'completed'
ORDER BY completed_at - started_at DESC, id
LIMIT 5
