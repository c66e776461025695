-- Events that do not begin where the one before them ended, within one history of Redis (I6). A cancellation that the
-- ledger wrote first is told again by the log; that pair is one step.
-- Params:  none.
-- Returns: text, at most 20.
-- Caller:  PostgresLedger.drillFindings.
SELECT s.job_id::text || ': ' || s.event || ' v' || s.version || ' from ' || coalesce(s.from_status, 'nothing')
  || ' follows ' || s.before
FROM (
  SELECT e.job_id, e.epoch, e.seq, e.event, e.version, e.from_status,
    lag(e.status) OVER w AS before, lag(e.epoch) OVER w AS before_epoch
  FROM tally.job_events e
  WINDOW w AS (PARTITION BY e.job_id ORDER BY e.epoch, e.version, (e.seq < 0 AND e.event = 'cancel'), e.seq)
) s
WHERE s.before_epoch = s.epoch AND s.epoch > 0 AND s.from_status IS DISTINCT FROM s.before
  AND NOT (s.seq < 0 AND s.event = 'cancel' AND s.before = 'cancelled')
LIMIT 20
