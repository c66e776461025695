-- Outbox rows name jobs that have no row. No program writes such, and no push could bring them: they leave the outbox
-- uncounted and stand in quarantine. An outbox row that names no other job is gone.
--
-- Params:  $1 bigint[] outbox id, $2 uuid[] job, $3 bigint shard
-- Returns: how many were set aside, bigint
-- Caller:  PostgresLedger.relay
WITH unknown AS (
  SELECT DISTINCT i.outbox, i.job FROM unnest($1::bigint[], $2::uuid[]) AS i (outbox, job)
  WHERE NOT EXISTS (SELECT FROM tally.jobs j WHERE j.id = i.job)
), rest AS (
  SELECT o.id, array_agg(n.job ORDER BY n.at) AS ids,
    coalesce(array_agg(n.version ORDER BY n.at) FILTER (WHERE n.version IS NOT NULL), '{}') AS versions,
    (array_agg(n.job ORDER BY n.job))[1] AS first_id, (array_agg(n.job ORDER BY n.job DESC))[1] AS last_id
  FROM tally.outbox o CROSS JOIN LATERAL unnest(o.ids, o.versions) WITH ORDINALITY AS n (job, version, at)
  WHERE o.id IN (SELECT u.outbox FROM unknown u)
    AND NOT EXISTS (SELECT FROM unknown u WHERE u.outbox = o.id AND u.job = n.job)
  GROUP BY o.id
), shortened AS (
  UPDATE tally.outbox o SET ids = r.ids, versions = r.versions, first_id = r.first_id, last_id = r.last_id
  FROM rest r WHERE o.id = r.id
), gone AS (
  DELETE FROM tally.outbox o
  WHERE o.id IN (SELECT u.outbox FROM unknown u) AND o.id NOT IN (SELECT r.id FROM rest r)
), aside AS (
  INSERT INTO tally.quarantine (job_id, shard, epoch, seq, source, reason, raw)
  SELECT DISTINCT u.job, $3::bigint::smallint, 0, 0, 'outbox', 'the outbox names this job, and it has no row',
    ''::bytea
  FROM unknown u
  RETURNING 1
)
SELECT count(*) FROM aside
