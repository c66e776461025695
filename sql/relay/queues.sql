-- The queues that have outbox rows, in order of their names, by one look into the index for each. A blank one stands
-- for rows of a program older than migration 0010, which may hold jobs of several queues.
--
-- Params:  $1 text after this one (null = from the first), $2 bigint at most so many
-- Returns: queue
-- Caller:  PostgresLedger.relay
WITH RECURSIVE queues AS (
  (SELECT o.queue FROM tally.outbox o WHERE o.queue > coalesce($1::text, '') ORDER BY o.queue LIMIT 1)
  UNION ALL
  SELECT (SELECT o.queue FROM tally.outbox o WHERE o.queue > q.queue ORDER BY o.queue LIMIT 1)
  FROM queues q WHERE q.queue IS NOT NULL
)
SELECT q.queue FROM queues q WHERE q.queue IS NOT NULL LIMIT $2::bigint
