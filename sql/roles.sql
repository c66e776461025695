-- The four roles and their least rights. Run once, after `tally migrate`, by an administrator; may be repeated.
-- The roles cannot log in: grant them to your users (`GRANT tally_writer TO app`).
--
--   owner     migrates and makes partitions
--   writer    `tally serve`, and clients that also read: every row, no table definitions; events are append-only
--   enqueuer  records jobs, by the library or by `SELECT tally.enqueue(…)`; reads no payload
--   reader    dashboards and analysts: everything but payloads, results, values of headers and what handlers log; its
--             search_path names this schema
--
-- Who may read payloads and results, and what handlers log, as well:
--   GRANT SELECT (payload, body, result, result_body, header_values) ON tally.jobs TO …
--   GRANT SELECT (line) ON tally.attempt_lines TO …
--
-- Params:  none (a script).
-- Returns: nothing.
-- Caller:  administrators, tests.
DO $$
DECLARE role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['tally_owner', 'tally_writer', 'tally_enqueuer', 'tally_reader'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
  END LOOP;
  EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I, public', 'tally_reader', current_database(),
    'tally');
END $$;

GRANT USAGE, CREATE ON SCHEMA "tally" TO "tally_owner";
GRANT ALL ON ALL TABLES IN SCHEMA "tally" TO "tally_owner";
GRANT ALL ON ALL SEQUENCES IN SCHEMA "tally" TO "tally_owner";
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA "tally" TO "tally_owner";

GRANT USAGE ON SCHEMA "tally" TO "tally_writer", "tally_enqueuer", "tally_reader";
GRANT SELECT ON ALL TABLES IN SCHEMA "tally" TO "tally_writer";
GRANT INSERT, UPDATE, DELETE ON tally.jobs, tally.outbox, tally.unique_keys, tally.job_effects, tally.workers,
  tally.mirror_cursor, tally.quarantine, tally.reconciler_lease, tally.reconcile_cursor, tally.duties,
  tally.duty_leases, tally.keys_to_free, tally.held_changes, tally.key_homes, tally.attempt_lines
  TO "tally_writer";
GRANT INSERT ON tally.job_events, tally.reconcile_runs, tally.reconcile_findings, tally.audit_log TO "tally_writer";
GRANT UPDATE, DELETE ON tally.reconcile_runs TO "tally_writer";
GRANT UPDATE ON tally.balances TO "tally_writer";
GRANT SELECT, INSERT, UPDATE ON tally.queues TO "tally_writer", "tally_enqueuer";
GRANT UPDATE (namespace, shards) ON tally.identity TO "tally_writer", "tally_enqueuer";
-- Each by name: a database may keep functions from PUBLIC.
GRANT EXECUTE ON FUNCTION tally.make_partitions, tally.months_missing, tally.partition_ranges TO "tally_writer";
GRANT EXECUTE ON FUNCTION tally.enqueue, tally.record_jobs TO "tally_writer", "tally_enqueuer";
GRANT EXECUTE ON FUNCTION tally.id_at TO "tally_writer", "tally_enqueuer", "tally_reader";
-- Alerts ask which months are missing.
GRANT EXECUTE ON FUNCTION tally.months_missing, tally.partition_ranges TO "tally_reader";

GRANT INSERT ON tally.jobs TO "tally_enqueuer";
GRANT SELECT (id, type, queue, body_hash) ON tally.jobs TO "tally_enqueuer";
GRANT SELECT, INSERT, DELETE ON tally.outbox TO "tally_enqueuer";
GRANT SELECT, INSERT, UPDATE ON tally.unique_keys TO "tally_enqueuer";
GRANT SELECT ON tally.schema_migrations, tally.identity, tally.key_homes TO "tally_enqueuer";
GRANT SELECT, UPDATE (accepted) ON tally.balances TO "tally_enqueuer";

-- Earlier texts of this file let the reader read every body. Partitions are read through their table.
REVOKE SELECT ON ALL TABLES IN SCHEMA "tally" FROM "tally_reader";
DO $$
DECLARE part record;
BEGIN
  FOR part IN
    SELECT c.relname AS name, string_agg(quote_ident(a.attname), ', ') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'tally'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
      AND (c.relname, a.attname) NOT IN (('jobs', 'payload'), ('jobs', 'body'), ('jobs', 'result'),
        ('jobs', 'result_body'), ('jobs', 'header_values'), ('job_effects', 'result'), ('quarantine', 'raw'),
        ('attempt_lines', 'line'))
    GROUP BY c.relname
  LOOP
    EXECUTE format('GRANT SELECT (%s) ON %I.%I TO %I', part.columns, 'tally', part.name, 'tally_reader');
  END LOOP;
END $$;
