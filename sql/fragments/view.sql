-- What the ledger shows of the jobs of a page, beside what Redis shows; read/active.sql and read/views.sql end with
-- it.
-- Params:  none; `page` is a relation of rows of jobs, with the bytes of each body
-- Returns: a row a job of the page, in order of id
-- Caller:  Statements.fragments
carried AS MATERIALIZED (
  SELECT u.id FROM tally.outbox o CROSS JOIN LATERAL unnest(o.ids) AS u (id)
  WHERE o.last_id >= (SELECT p.id FROM page p ORDER BY p.id LIMIT 1)
    AND o.first_id <= (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1)
), kept AS MATERIALIZED (
  SELECT DISTINCT h.job_id FROM tally.held_changes h
  WHERE h.job_id >= (SELECT p.id FROM page p ORDER BY p.id LIMIT 1)
    AND h.job_id <= (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1)
)
SELECT p.id, p.status, p.version::bigint, p.epoch, p.seq, (p.id IN (SELECT c.id FROM carried c))::integer::bigint,
  p.run_at, coalesce(p.bytes, 0)::bigint, (p.id IN (SELECT k.job_id FROM kept k))::integer::bigint, p.queue,
  -- Leased once, as far as the row tells, or requeued.
  (p.floor > 1 OR p.started_at IS NOT NULL OR p.crashes > 0 OR p.attempts > p.attempts_at_start)::integer::bigint
FROM page p ORDER BY p.id
