-- The totals as they are kept, and what a count of the jobs must add to theirs: jobs that are no longer rows, less
-- those that were recorded and wait to be pushed.
-- Params:  none
-- Returns: accepted, completed, failed, cancelled as kept; what is to be added to the number of jobs; all bigint
-- Caller:  PostgresLedger.recount
SELECT b.accepted, b.completed, b.failed, b.cancelled, b.purged + b.archived
    - (SELECT coalesce(sum(cardinality(o.ids)), 0)::bigint FROM tally.outbox o WHERE o.kind = 'enqueue')
FROM tally.balances b
