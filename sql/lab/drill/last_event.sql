-- Rows that do not say what their events say: status and version must be those of the last event that counts (I6),
-- in the order of `JobHistory`, as chain.sql has it. An event below the last requeue does not count, nor one behind
-- an end at no lower version, which Redis had forgotten: the guard of mirror/change.sql refused it. Few rows say
-- otherwise than the last step of a log, or have steps that the ledger made first; only these are looked at closely.
-- Params:  none.
-- Returns: text, at most 20.
-- Caller:  PostgresLedger.drillFindings.
WITH suspect AS MATERIALIZED (
  SELECT j.id, j.status, j.version, j.floor
  FROM tally.jobs j LEFT JOIN LATERAL (
    SELECT l.status, l.version FROM tally.job_events l WHERE l.job_id = j.id AND l.seq >= 0
    ORDER BY l.shard DESC, l.epoch DESC, l.seq DESC LIMIT 1
  ) e ON true
  WHERE e.status IS DISTINCT FROM j.status OR e.version IS DISTINCT FROM j.version
    OR EXISTS (SELECT FROM tally.job_events l WHERE l.job_id = j.id AND l.seq < 0)
), placed AS MATERIALIZED (
  SELECT e.job_id, e.shard, e.epoch AS at_epoch, e.seq AS at_seq, NULL::bigint AS early,
    e.shard AS own, e.epoch, e.seq, e.version, e.status
  FROM suspect s JOIN tally.job_events e ON e.job_id = s.id WHERE e.seq >= 0
  UNION ALL
  SELECT e.job_id, home.shard, coalesce(n.epoch, 9223372036854775807), coalesce(n.seq, 0), -e.seq,
    e.shard, e.epoch, e.seq, e.version, e.status
  FROM suspect s JOIN tally.job_events e ON e.job_id = s.id
  CROSS JOIN LATERAL (
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
), told AS (
  SELECT DISTINCT ON (p.job_id) p.job_id, p.status, p.version
  FROM suspect s JOIN placed p ON p.job_id = s.id
  WHERE p.version >= s.floor AND NOT EXISTS (
    SELECT FROM tally.job_events t WHERE t.job_id = p.job_id AND t.shard = p.own
      AND (t.epoch, t.seq) < (p.epoch, p.seq) AND t.version >= p.version
      AND t.status IN ('completed', 'failed', 'cancelled'))
  ORDER BY p.job_id, p.shard DESC, p.at_epoch DESC, p.at_seq DESC, p.early DESC NULLS FIRST
)
SELECT s.id::text || ': row ' || s.status || ' v' || s.version || ', last event '
  || coalesce(e.status || ' v' || e.version, 'none')
FROM suspect s LEFT JOIN told e ON e.job_id = s.id
WHERE e.status IS DISTINCT FROM s.status OR e.version IS DISTINCT FROM s.version
LIMIT 20
