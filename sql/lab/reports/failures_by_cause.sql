-- Failed jobs by what they said, with one example each.
-- Params:  none.
-- Returns: jobs, cause, path of one of them; all text.
-- Caller:  DemoReport.
SELECT count(*)::text, coalesce(error, '?'), coalesce(min(payload->>'path'), '')
FROM tally.jobs
WHERE status = 'failed'
GROUP BY 2
ORDER BY count(*) DESC, 2
LIMIT 20
