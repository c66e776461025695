-- The view of read/active.sql for given ids, ended rows included.
-- Params:  $1 uuid[] ids.
-- Returns: as read/active.sql.
-- Caller:  PostgresLedger.views.
WITH page AS MATERIALIZED (
  SELECT j.id, j.status, j.version, j.epoch, j.seq, j.run_at, octet_length(j.body) AS bytes, j.queue,
    j.floor, j.started_at, j.crashes, j.attempts, j.attempts_at_start
  FROM tally.jobs j WHERE j.id = ANY ($1::uuid[])
), :view
