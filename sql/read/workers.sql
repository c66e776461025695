-- Every worker ever seen, the latest first.
-- Params:  none.
-- Returns: id, status, last seen, types text[], queues text[], running uuid[], concurrency bigint, started, host,
--          pid bigint, newest record layout that it reads bigint (null = an older program), types without a
--          handler text[], how often each was met text[], its program, load and progress text (JSON; null = an
--          older program).
-- Caller:  PostgresLedger.workers.
SELECT w.id, w.status, w.last_seen, ARRAY(SELECT jsonb_array_elements_text(w.job_types)),
  ARRAY(SELECT jsonb_array_elements_text(w.queues)), w.running, w.concurrency::bigint, w.started_at, w.host,
  w.pid::bigint, (w.metadata ->> 'record_layout')::bigint,
  ARRAY(SELECT e.key FROM jsonb_each_text(u.counts) e ORDER BY e.key),
  ARRAY(SELECT e.value FROM jsonb_each_text(u.counts) e ORDER BY e.key),
  CASE jsonb_typeof(w.metadata -> 'vitals') WHEN 'object' THEN (w.metadata -> 'vitals')::text END
FROM tally.workers w
CROSS JOIN LATERAL (
  SELECT CASE jsonb_typeof(w.metadata -> 'unknown') WHEN 'object' THEN w.metadata -> 'unknown' END AS counts) u
ORDER BY w.last_seen DESC, w.id
