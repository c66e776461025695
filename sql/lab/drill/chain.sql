-- Events that do not begin where the one before them ended, within one history of Redis (I6), in the order of
-- `JobHistory`: a log's by shard, epoch and place; a step that the ledger made first before the first of these that
-- follows it, a requeue those of its version, an end none of them. A cancellation that the ledger wrote first is told
-- again by the log; that pair is one step. So are a requeue and its push. The drill uses no id again: a second life,
-- which the order puts behind the first, is found here.
-- Params:  none.
-- Returns: text, at most 20.
-- Caller:  PostgresLedger.drillFindings.
WITH placed AS (
  SELECT e.job_id, e.shard, e.epoch AS at_epoch, e.seq AS at_seq, NULL::bigint AS early,
    e.epoch, e.seq, e.event, e.version, e.from_status, e.status
  FROM tally.job_events e WHERE e.seq >= 0
  UNION ALL
  SELECT e.job_id, home.shard, coalesce(n.epoch, 9223372036854775807), coalesce(n.seq, 0), -e.seq,
    e.epoch, e.seq, e.event, e.version, e.from_status, e.status
  FROM tally.job_events e
  CROSS JOIN LATERAL (
    -- A requeue stands on shard 0, whichever its job is on.
    SELECT coalesce((SELECT l.shard FROM tally.job_events l WHERE l.job_id = e.job_id AND l.seq >= 0
      ORDER BY (l.shard = e.shard) DESC, l.shard DESC LIMIT 1), e.shard) AS shard
  ) home
  LEFT JOIN LATERAL (
    SELECT l.epoch, l.seq FROM tally.job_events l
    WHERE l.job_id = e.job_id AND l.shard = home.shard AND l.seq >= 0
      AND CASE WHEN e.event = 'requeue' THEN (l.epoch, l.version) >= (e.epoch, e.version)
        ELSE NOT EXISTS (
          SELECT FROM tally.job_events b WHERE b.job_id = e.job_id AND b.shard = home.shard AND b.seq >= 0
            AND b.version <= e.version AND b.epoch <= e.epoch AND (b.epoch, b.seq) >= (l.epoch, l.seq)) END
    ORDER BY l.epoch, l.seq LIMIT 1
  ) n ON true
  WHERE e.seq < 0
)
SELECT s.job_id::text || ': ' || s.event || ' v' || s.version || ' from ' || coalesce(s.from_status, 'nothing')
  || ' follows ' || s.before
FROM (
  SELECT p.job_id, p.epoch, p.seq, p.event, p.version, p.from_status,
    lag(p.status) OVER w AS before, lag(p.event) OVER w AS before_event, lag(p.epoch) OVER w AS before_epoch
  FROM placed p
  WINDOW w AS (PARTITION BY p.job_id, p.shard ORDER BY p.at_epoch, p.at_seq, p.early NULLS LAST)
) s
WHERE s.before_epoch = s.epoch AND s.epoch > 0 AND s.from_status IS DISTINCT FROM s.before
  AND NOT (s.seq < 0 AND s.event = 'cancel' AND s.before = 'cancelled')
  AND NOT (s.event = 'push' AND s.from_status IS NULL AND s.before_event = 'requeue')
LIMIT 20
