-- Rows that do not say what their events say: status and version must be those of the last event that counts (I6). An
-- event below the last requeue does not count, nor one of a later history of Redis that had forgotten the job's end:
-- the guard of mirror/change.sql refused it. Few rows need that second look, so it is taken only for those.
-- Params:  none.
-- Returns: text, at most 20.
-- Caller:  PostgresLedger.drillFindings.
WITH suspect AS MATERIALIZED (
  SELECT j.id, j.status, j.version, j.floor
  FROM tally.jobs j LEFT JOIN LATERAL (
    SELECT l.status, l.version FROM tally.job_events l WHERE l.job_id = j.id
    ORDER BY l.epoch DESC, l.version DESC, (l.seq < 0 AND l.event IN ('cancel', 'repair')) DESC, l.seq DESC LIMIT 1
  ) e ON true
  WHERE e.status IS DISTINCT FROM j.status OR e.version IS DISTINCT FROM j.version
)
SELECT s.id::text || ': row ' || s.status || ' v' || s.version || ', last event '
  || coalesce(e.status || ' v' || e.version, 'none')
FROM suspect s LEFT JOIN LATERAL (
  SELECT l.status, l.version FROM tally.job_events l
  WHERE l.job_id = s.id AND l.version >= s.floor AND NOT EXISTS (
    SELECT FROM tally.job_events t WHERE t.job_id = l.job_id AND t.epoch < l.epoch AND t.version >= l.version
      AND t.status IN ('completed', 'failed', 'cancelled'))
  ORDER BY l.epoch DESC, l.version DESC, (l.seq < 0 AND l.event IN ('cancel', 'repair')) DESC, l.seq DESC LIMIT 1
) e ON true
WHERE e.status IS DISTINCT FROM s.status OR e.version IS DISTINCT FROM s.version
LIMIT 20
