-- Some jobs of an outbox row stay in it: the row keeps those of one queue, those of another get a row of their own,
-- and the others count as accepted. So a row of an older program, which names no queue and may hold jobs of several,
-- stands in nobody's way once it has been met.
--
-- Params:  $1 bigint outbox id, $2 uuid[] jobs that are left, $3 text[] the queue of each
-- Returns: nothing
-- Caller:  PostgresLedger.relay
WITH old AS (
  SELECT o.id, o.created_at, o.kind, cardinality(o.ids) AS jobs, o.ids, o.versions, o.run_at
  FROM tally.outbox o WHERE o.id = $1::bigint
), rest AS (
  SELECT l.queue, row_number() OVER (ORDER BY l.queue) AS number, array_agg(u.job ORDER BY u.n) AS ids,
    coalesce(array_agg(u.version ORDER BY u.n) FILTER (WHERE u.version IS NOT NULL), '{}') AS versions,
    (array_agg(u.job ORDER BY u.job))[1] AS first_id, (array_agg(u.job ORDER BY u.job DESC))[1] AS last_id
  FROM old CROSS JOIN LATERAL unnest(old.ids, old.versions) WITH ORDINALITY AS u (job, version, n)
  JOIN unnest($2::uuid[], $3::text[]) AS l (job, queue) ON l.job = u.job
  GROUP BY l.queue
), kept AS (
  UPDATE tally.outbox o SET ids = r.ids, versions = r.versions, first_id = r.first_id, last_id = r.last_id,
    queue = r.queue
  FROM rest r WHERE o.id = $1::bigint AND r.number = 1
), split AS (
  INSERT INTO tally.outbox (created_at, kind, ids, versions, run_at, first_id, last_id, queue)
  SELECT o.created_at, o.kind, r.ids, r.versions, o.run_at, r.first_id, r.last_id, r.queue
  FROM old o CROSS JOIN rest r WHERE r.number > 1
), sum AS (
  SELECT sum(cardinality(r.ids)) AS jobs FROM rest r
)
UPDATE tally.balances b SET accepted = b.accepted + old.jobs - sum.jobs
FROM old, sum WHERE old.kind = 'enqueue' AND old.jobs > sum.jobs
