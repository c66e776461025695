-- By how much the totals change. Their row is changed by steps/counted.sql at once, or by mirror/count.sql last in
-- the transaction.
-- Reads:   moved
-- Gives:   totals: rows, accepted, completed, failed, cancelled, all bigint; one row
-- Caller:  Statements.fragments
totals AS (
  SELECT count(*) AS rows, count(*) FILTER (WHERE m.was IS NULL) AS accepted,
    count(*) FILTER (WHERE m.status = 'completed') - count(*) FILTER (WHERE m.was = 'completed') AS completed,
    count(*) FILTER (WHERE m.status = 'failed') - count(*) FILTER (WHERE m.was = 'failed') AS failed,
    count(*) FILTER (WHERE m.status = 'cancelled') - count(*) FILTER (WHERE m.was = 'cancelled') AS cancelled
  FROM moved m
)
