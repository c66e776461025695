-- Seconds that the job has waited which has done so longest: since it became pending, or since it was due.
-- The partial index jobs_active: what has not ended is read.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-jobs-waiting of dashboards/alerts.json.
SELECT coalesce(extract(epoch FROM now() - min(
    CASE j.status WHEN 'pending' THEN j.updated_at ELSE j.run_at END)), 0)::bigint AS value
FROM tally.jobs j
WHERE j.completed_at IS NULL AND (j.status = 'pending' OR j.status IN ('scheduled', 'retrying') AND j.run_at < now())
