-- How long the demo's files waited for their (last) start, and how long they ran.
-- Params:  none.
-- Returns: what, p50 in ms, p99 in ms, longest in ms; all text. Two rows: wait, run.
-- Caller:  DemoReport.
SELECT what, round((percentile_cont(0.5) WITHIN GROUP (ORDER BY ms))::numeric, 1)::text,
  round((percentile_cont(0.99) WITHIN GROUP (ORDER BY ms))::numeric, 1)::text, round(max(ms)::numeric, 1)::text
FROM tally.jobs
CROSS JOIN LATERAL (VALUES
  ('wait', extract(epoch FROM started_at - created_at)::float8 * 1000),
  ('run', extract(epoch FROM completed_at - started_at)::float8 * 1000)) AS time (what, ms)
WHERE type = 'demo.file' AND completed_at IS NOT NULL AND started_at IS NOT NULL
GROUP BY what
ORDER BY what DESC
