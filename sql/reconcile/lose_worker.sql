-- A worker that fell silent is lost, if it has not been heard of since.
-- Params:  $1 id, $2 timestamptz last seen, $3 actor.
-- Returns: one row if it was changed.
-- Caller:  PostgresLedger.loseWorker.
WITH lost AS (
  UPDATE tally.workers w SET status = 'lost', current_job = NULL, running = '{}'
  WHERE w.id = $1 AND w.last_seen = $2::timestamptz AND w.status IN ('running', 'draining')
  RETURNING w.id, w.last_seen
), noted AS (
  INSERT INTO tally.audit_log (actor, action, subject, detail)
  SELECT $3, 'lose worker', l.id, jsonb_build_object('last_seen', l.last_seen) FROM lost l
)
SELECT 1::bigint FROM lost
