-- How the server is set for this login, how full it is, and which of the writer's rights the login lacks, of those
-- tables that are there. Reads the catalogue alone: it answers whatever state the schema is in.
-- Params:  none
-- Returns: now bigint µs, version, recovery bigint (1 = a standby), encoding, isolation level, superuser bigint,
--          connections allowed, connections now, bytes of the database, these bigint; synchronous_commit, fsync,
--          rights that lack text[]
-- Caller:  LedgerVitals.at
WITH needed (name, privilege) AS (
  VALUES ('jobs', 'SELECT'), ('jobs', 'INSERT'), ('jobs', 'UPDATE'), ('outbox', 'SELECT'), ('outbox', 'INSERT'),
    ('outbox', 'DELETE'), ('unique_keys', 'INSERT'), ('job_events', 'SELECT'), ('job_events', 'INSERT'),
    ('workers', 'INSERT'), ('mirror_cursor', 'UPDATE'), ('balances', 'UPDATE'), ('duties', 'INSERT'),
    ('quarantine', 'INSERT'), ('reconcile_runs', 'INSERT'), ('audit_log', 'INSERT')
)
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, current_setting('server_version'),
  pg_is_in_recovery()::integer::bigint, getdatabaseencoding()::text, current_setting('default_transaction_isolation'),
  (SELECT r.rolsuper::integer::bigint FROM pg_roles r WHERE r.rolname = current_user),
  current_setting('max_connections')::bigint,
  (SELECT count(*) FROM pg_stat_activity a WHERE a.datid IS NOT NULL),
  pg_database_size(current_database()), current_setting('synchronous_commit'), current_setting('fsync'),
  (SELECT coalesce(array_agg(n.privilege || ' on ' || n.name ORDER BY n.name, n.privilege), '{}')
   FROM needed n
   JOIN pg_class c ON c.relname = n.name
   JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = 'tally'
   WHERE NOT has_table_privilege(c.oid, n.privilege))
