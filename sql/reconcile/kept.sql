-- The totals as they are kept, and what a count of the jobs must add to theirs: jobs that are no longer rows, less
-- those that were recorded and wait to be pushed. What the outbox names without a row was never counted.
-- Params:  none
-- Returns: accepted, completed, failed, cancelled as kept; what is to be added to the number of jobs; all bigint
-- Caller:  PostgresLedger.recount
SELECT b.accepted, b.completed, b.failed, b.cancelled, b.purged + b.archived
    - (SELECT count(*) FROM tally.outbox o CROSS JOIN LATERAL unnest(o.ids) AS u (id)
      WHERE o.kind = 'enqueue' AND EXISTS (SELECT FROM tally.jobs j WHERE j.id = u.id))
FROM tally.balances b
