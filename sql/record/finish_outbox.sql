-- The queue has the jobs of these outbox rows: deletes the rows and counts their jobs as accepted. A repeat finds no
-- row and counts nothing. Its commit is not waited for: lost in a crash, the relay does it once more.
--
-- Params:  $1 bigint[] outbox ids
-- Returns: how many rows were deleted, bigint
-- Caller:  PostgresLedger.finishOutbox, relay
WITH gone AS (
  DELETE FROM tally.outbox WHERE id = ANY ($1::bigint[]) RETURNING kind, cardinality(ids) AS jobs
), sum AS (
  SELECT coalesce(sum(jobs) FILTER (WHERE kind = 'enqueue'), 0)::bigint AS jobs, count(*) AS rows FROM gone
), counted AS (
  UPDATE tally.balances b SET accepted = b.accepted + sum.jobs FROM sum WHERE sum.jobs > 0
)
SELECT sum.rows, set_config('synchronous_commit', 'off', true) FROM sum
