-- Drops unique keys whose time is over, as far as nobody holds them.
-- Params:  $1 bigint at most so many
-- Returns: how many were dropped, bigint
-- Caller:  PostgresLedger.freeKeys
WITH past AS MATERIALIZED (
  SELECT k.queue, k.key, k.until FROM tally.unique_keys k
  WHERE k.until < 'infinity' AND k.until <= clock_timestamp() LIMIT $1::bigint
  FOR UPDATE OF k SKIP LOCKED
), dropped AS (
  DELETE FROM tally.unique_keys u USING past p WHERE u.queue = p.queue AND u.key = p.key AND u.until = p.until
  RETURNING 1
)
SELECT count(*) FROM dropped
