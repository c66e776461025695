-- Some jobs of an outbox row are done and some are not: the row keeps those that are left, and the others count as
-- accepted.
--
-- Params:  $1 bigint outbox id, $2 uuid[] jobs that are left, $3 text their queue (blank = several)
-- Returns: nothing
-- Caller:  PostgresLedger.relay
WITH old AS (
  SELECT o.id, o.kind, cardinality(o.ids) AS jobs, o.ids, o.versions FROM tally.outbox o WHERE o.id = $1::bigint
), rest AS (
  SELECT array_agg(u.job ORDER BY u.n) AS ids,
    coalesce(array_agg(u.version ORDER BY u.n) FILTER (WHERE u.version IS NOT NULL), '{}') AS versions,
    (array_agg(u.job ORDER BY u.job))[1] AS first_id, (array_agg(u.job ORDER BY u.job DESC))[1] AS last_id
  FROM old CROSS JOIN LATERAL unnest(old.ids, old.versions) WITH ORDINALITY AS u (job, version, n)
  WHERE u.job = ANY ($2::uuid[])
), kept AS (
  UPDATE tally.outbox o SET ids = r.ids, versions = r.versions, first_id = r.first_id, last_id = r.last_id,
    queue = $3::text
  FROM rest r WHERE o.id = $1::bigint AND r.ids IS NOT NULL
  RETURNING cardinality(o.ids) AS jobs
)
UPDATE tally.balances b SET accepted = b.accepted + old.jobs - kept.jobs
FROM old, kept WHERE old.kind = 'enqueue' AND old.jobs > kept.jobs
