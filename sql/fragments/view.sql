carried AS MATERIALIZED (
  SELECT u.id FROM tally.outbox o CROSS JOIN LATERAL unnest(o.ids) AS u (id)
  WHERE o.last_id >= (SELECT p.id FROM page p ORDER BY p.id LIMIT 1)
    AND o.first_id <= (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1)
), kept AS MATERIALIZED (
  SELECT DISTINCT h.job_id FROM tally.held_changes h
  WHERE h.job_id >= (SELECT p.id FROM page p ORDER BY p.id LIMIT 1)
    AND h.job_id <= (SELECT p.id FROM page p ORDER BY p.id DESC LIMIT 1)
)
SELECT p.id, p.status, p.version::bigint, p.epoch, p.seq, (p.id IN (SELECT c.id FROM carried c))::integer::bigint, p.run_at,
  coalesce(p.bytes, 0)::bigint, (p.id IN (SELECT k.job_id FROM kept k))::integer::bigint, p.queue
FROM page p ORDER BY p.id
