-- The totals, counted from the rows instead of kept, and as they are kept. Reads all history.
-- Params: none. Returns: accepted, completed, failed, cancelled as counted, then the same as kept; all bigint.
-- Caller: PostgresLedger.recount, correctBalances.
SELECT c.jobs + b.purged + b.archived
    - (SELECT coalesce(sum(cardinality(o.ids)), 0)::bigint FROM tally.outbox o WHERE o.kind = 'enqueue'),
  c.completed, c.failed, c.cancelled, b.accepted, b.completed, b.failed, b.cancelled
FROM tally.balances b, (
  SELECT count(*) AS jobs, count(*) FILTER (WHERE j.status = 'completed') AS completed,
    count(*) FILTER (WHERE j.status = 'failed') AS failed, count(*) FILTER (WHERE j.status = 'cancelled') AS cancelled
  FROM tally.jobs j) c
