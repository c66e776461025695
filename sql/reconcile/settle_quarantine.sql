-- Takes one row out of quarantine: its job is right without it. The audit log keeps it with its bytes.
-- Params:  $1 bigint id, $2 actor.
-- Returns: nothing.
-- Caller:  PostgresLedger.settleQuarantine.
WITH gone AS (
  DELETE FROM tally.quarantine q WHERE q.id = $1::bigint RETURNING q.*
)
INSERT INTO tally.audit_log (actor, action, subject, detail)
SELECT $2, 'settle quarantine',
  CASE WHEN g.shard > 0 THEN g.shard || '/' ELSE '' END || g.epoch || '-' || g.seq,
  jsonb_build_object('job', g.job_id, 'source', g.source, 'reason', g.reason, 'raw', encode(g.raw, 'base64'))
FROM gone g
