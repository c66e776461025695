-- Adds to the totals' row within the statement: for those that move a job or a few.
-- Reads:   totals
-- Gives:   nothing
-- Caller:  Statements.fragments
counted AS (
  UPDATE tally.balances b SET completed = b.completed + t.completed, failed = b.failed + t.failed,
    cancelled = b.cancelled + t.cancelled
  FROM totals t WHERE t.rows > 0
)
