-- Live rows in id order, with whether an outbox row still carries them. Only outbox rows whose span of ids meets the
-- page are opened. The limit is a subquery, so that the planner does not know it: on a table without statistics it
-- would take the page for the whole and read every live row for each page.
-- Params:  $1 uuid after, $2 bigint limit.
-- Returns: id, status, version bigint, epoch, seq, outbox bigint (0/1), what it waits for, bigint bytes of its body,
--          whether changes are kept for it, since its row was held, bigint (0/1), its queue,
--          whether it has begun, bigint (0/1).
-- Caller:  PostgresLedger.active.
WITH page AS MATERIALIZED (
  SELECT j.id, j.status, j.version, j.epoch, j.seq, j.run_at, octet_length(j.body) AS bytes, j.queue,
    j.floor, j.started_at, j.crashes, j.attempts, j.attempts_at_start
  FROM tally.jobs j
  WHERE j.id > $1::uuid AND j.completed_at IS NULL ORDER BY j.id LIMIT (SELECT $2::bigint)
), :view
