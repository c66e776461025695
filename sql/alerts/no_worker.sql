-- Pending jobs, counted up to a thousand, while no worker that takes jobs has reported for 90 s. With one nothing
-- more is read; else the partial index jobs_active, so at most what has not ended.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-no-worker of dashboards/alerts.json.
SELECT count(*) AS value
FROM (
  SELECT j.id FROM tally.jobs j
  WHERE j.completed_at IS NULL AND j.status = 'pending' AND NOT EXISTS (
    SELECT FROM tally.workers w WHERE w.status = 'running' AND w.last_seen > now() - interval '90 seconds')
  LIMIT 1000) p
