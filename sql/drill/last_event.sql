-- Rows that do not say what their last event says: status and version must be the same (I6).
-- Params: none. Returns: text, at most 20.
-- Caller: PostgresLedger.drillFindings.
SELECT j.id::text || ': row ' || j.status || ' v' || j.version || ', last event '
  || coalesce(e.status || ' v' || e.version, 'none')
FROM tally.jobs j LEFT JOIN LATERAL (
  SELECT l.status, l.version FROM tally.job_events l WHERE l.job_id = j.id
  ORDER BY l.epoch DESC, l.version DESC, (l.seq < 0 AND l.event = 'cancel') DESC, l.seq DESC LIMIT 1
) e ON true
WHERE e.status IS DISTINCT FROM j.status OR e.version IS DISTINCT FROM j.version
LIMIT 20
