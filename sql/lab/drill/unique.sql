-- Jobs of one unique key that were first leased before all earlier ones under it had ended (I11).
-- Params:  none.
-- Returns: text, at most 20.
-- Caller:  PostgresLedger.drillFindings.
WITH keyed AS MATERIALIZED (
  SELECT j.id, j.queue, j.unique_key, coalesce(j.completed_at, 'infinity') AS ended
  FROM tally.jobs j WHERE j.unique_key IS NOT NULL
), leased AS MATERIALIZED (
  SELECT k.id, k.queue, k.unique_key, k.ended,
    (SELECT min(e.at) FROM tally.job_events e WHERE e.job_id = k.id AND e.status = 'processing') AS first
  FROM keyed k
), ordered AS (
  SELECT l.id, l.first, max(l.ended) OVER (
    PARTITION BY l.queue, l.unique_key ORDER BY l.first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM leased l WHERE l.first IS NOT NULL
)
SELECT o.id::text || ' was leased at ' || o.first::text || ', its key was free from ' || o.before::text
FROM ordered o WHERE o.first < o.before
LIMIT 20
