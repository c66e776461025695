-- Deletes dead letters that are still failed at the versions that the caller saw, and whose ids and ends lie before a
-- time, with their committed effects. Their transitions stay in job_events. A row that somebody holds is left, and so
-- is one for which the mirror keeps changes. Locked in the order of ids, as everywhere.
-- Params:  $1 uuid[] ids, $2 text[] their versions, $3 timestamptz the time, $4 actor
-- Returns: uuid of each that was deleted
-- Caller:  PostgresLedger.purge
WITH wanted AS (
  SELECT w.id, w.version::bigint AS version FROM unnest($1::uuid[], $2::text[]) AS w (id, version)
), had AS MATERIALIZED (
  SELECT j.id FROM tally.jobs j JOIN wanted w ON w.id = j.id
  WHERE j.status = 'failed' AND j.version = w.version AND j.completed_at < $3::timestamptz
    AND j.id < tally.id_at($3::timestamptz)
    AND NOT EXISTS (SELECT FROM tally.held_changes h WHERE h.job_id = j.id)
  ORDER BY j.id
  FOR UPDATE OF j SKIP LOCKED
), gone AS (
  DELETE FROM tally.jobs j USING had h WHERE j.id = h.id RETURNING j.id
), forgotten AS (
  DELETE FROM tally.job_effects e USING gone g WHERE e.job_id = g.id
), purged AS (
  SELECT count(*) AS rows FROM gone
), counted AS (
  UPDATE tally.balances b SET failed = b.failed - p.rows, purged = b.purged + p.rows FROM purged p WHERE p.rows > 0
), noted AS (
  INSERT INTO tally.audit_log (actor, action, subject, detail)
  SELECT $4::text, 'purge', 'jobs', jsonb_build_object('ids', (SELECT jsonb_agg(g.id ORDER BY g.id) FROM gone g))
  FROM purged p WHERE p.rows > 0
)
SELECT g.id FROM gone g
