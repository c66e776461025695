-- The totals, in one snapshot. Jobs still in the outbox are accepted already; they are counted here, not in the row.
-- Params: none. Returns: accepted, completed, failed, cancelled, purged, active, quarantined; all bigint.
-- Caller: PostgresLedger.balances.
SELECT b.accepted + (SELECT coalesce(sum(cardinality(o.ids)), 0)::bigint FROM tally.outbox o WHERE o.kind = 'enqueue'),
  b.completed, b.failed, b.cancelled, b.purged,
  (SELECT count(*) FROM tally.jobs j WHERE j.completed_at IS NULL),
  (SELECT count(*) FROM tally.quarantine)
FROM tally.balances b
