-- The demo's files by MIME type, the most frequent first.
-- Params:  none.
-- Returns: type, files, bytes, lines; all text.
-- Caller:  DemoReport.
SELECT coalesce(result->>'type', '?'), count(*)::text, sum((result->>'size')::bigint)::text,
  sum((result->>'lines')::bigint)::text
FROM tally.jobs
WHERE type = 'demo.file' AND status = 'completed'
GROUP BY 1
ORDER BY count(*) DESC, 1
LIMIT 12
