-- Spans of time behind the first partition that have none and hold rows, which therefore lie in the DEFAULT
-- partition. Rows from before the first partition are left out: an import may lie there for ever. Each span costs one
-- look at a primary key.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-default-partition of dashboards/alerts.json.
WITH ranges AS (
  SELECT p.parent, r.low, r.high FROM (VALUES ('jobs'), ('job_events')) AS p (parent)
  CROSS JOIN LATERAL tally.partition_ranges(p.parent) r
), spans AS (
  SELECT r.parent, r.high AS low, coalesce(lead(r.low) OVER (PARTITION BY r.parent ORDER BY r.low),
    'ffffffff-ffff-ffff-ffff-ffffffffffff') AS high
  FROM ranges r
)
SELECT count(*) AS value
FROM (
  SELECT s.low FROM spans s CROSS JOIN LATERAL (
    SELECT j.id FROM tally.jobs j WHERE j.id >= s.low AND j.id < s.high ORDER BY j.id LIMIT 1) j
  WHERE s.parent = 'jobs'
  UNION ALL
  SELECT s.low FROM spans s CROSS JOIN LATERAL (
    SELECT e.job_id FROM tally.job_events e
    WHERE e.job_id >= s.low AND e.job_id < s.high ORDER BY e.job_id LIMIT 1) e
  WHERE s.parent = 'job_events') f
