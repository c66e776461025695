-- Queues with unique keys that are held, in order of their names, and which half keeps these: q Redis, r this ledger.
-- By one look into an index for each.
-- Params:  $1 text after this one ('' = from the first), $2 bigint at most so many
-- Returns: queue, home
-- Caller:  PostgresLedger.keyHomes
WITH RECURSIVE recorded AS (
  (SELECT k.queue FROM tally.unique_keys k WHERE k.queue > $1 AND k.until > clock_timestamp()
    ORDER BY k.queue LIMIT 1)
  UNION ALL
  SELECT (SELECT k.queue FROM tally.unique_keys k WHERE k.queue > r.queue AND k.until > clock_timestamp()
    ORDER BY k.queue LIMIT 1)
  FROM recorded r WHERE r.queue IS NOT NULL
)
SELECT f.queue, f.home FROM (
  (SELECT h.queue, 'q' AS home FROM tally.key_homes h WHERE h.queue > $1 ORDER BY h.queue LIMIT $2::bigint)
  UNION ALL
  (SELECT r.queue, 'r' FROM recorded r
   WHERE r.queue IS NOT NULL AND NOT EXISTS (SELECT FROM tally.key_homes h WHERE h.queue = r.queue) LIMIT $2::bigint)
) f ORDER BY f.queue LIMIT $2::bigint
