-- The totals, in one snapshot. Jobs still in the outbox are accepted already; they are counted here, not in the row.
-- Params:  none.
-- Returns: accepted, completed, failed, cancelled, purged, active, quarantined, jobs in the outbox, age of the oldest
--          outbox row in µs; all bigint.
-- Caller:  PostgresLedger.balances.
WITH waiting AS (
  SELECT coalesce(sum(cardinality(o.ids)), 0)::bigint AS jobs,
    coalesce(sum(cardinality(o.ids)) FILTER (WHERE o.kind = 'enqueue'), 0)::bigint AS new,
    coalesce(extract(epoch FROM clock_timestamp() - min(o.created_at)) * 1000000, 0)::bigint AS age
  FROM tally.outbox o
)
SELECT b.accepted + w.new,
  b.completed, b.failed, b.cancelled, b.purged,
  (SELECT count(*) FROM tally.jobs j WHERE j.completed_at IS NULL),
  (SELECT count(*) FROM tally.quarantine), w.jobs, greatest(w.age, 0)
FROM tally.balances b, waiting w
