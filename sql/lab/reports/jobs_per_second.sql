-- The demo's files that ended, and how fast: from the first enqueue to the last end.
-- Params:  none.
-- Returns: jobs, seconds, jobs a second; all text.
-- Caller:  DemoReport.
SELECT count(*)::text, round(extract(epoch FROM max(completed_at) - min(created_at)), 2)::text,
  round(count(*) / greatest(extract(epoch FROM max(completed_at) - min(created_at)), 0.001), 0)::text
FROM tally.jobs
WHERE type = 'demo.file' AND completed_at IS NOT NULL
