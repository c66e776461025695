-- Jobs of the last seven days that failed for good within the last 15 minutes and were not requeued, counted up to a
-- thousand. The partial index jobs_failed, and the partitions of those days.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-jobs-failing of dashboards/alerts.json.
SELECT count(*) AS value
FROM (
  SELECT j.id FROM tally.jobs j
  WHERE j.id >= tally.id_at(now() - interval '7 days') AND j.failed_at IS NOT NULL AND j.status = 'failed'
    AND j.failed_at > now() - interval '15 minutes'
  LIMIT 1000) f
