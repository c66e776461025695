-- How the server is set for this login, how full it is, and which of some rights the login lacks, of those tables,
-- columns and functions that are there. Reads the catalogue alone: it answers whatever state the schema is in.
-- Params:  $1 text[] schema, table or function, $2 text[] names, '*' = every table, $3 text[] columns, '' = the
--          whole, $4 text[] privileges; a right each
-- Returns: now bigint µs, version, recovery bigint (1 = a standby), encoding, isolation level, superuser bigint,
--          connections allowed, connections now, bytes of the database, these bigint; synchronous_commit, fsync,
--          rights that lack text[], a thing each; standard_conforming_strings, default_transaction_read_only;
--          statement_timeout of the session bigint ms, 0 = none
-- Caller:  LedgerVitals.at
WITH needed (kind, name, part, privilege) AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
), lacking (name, privilege) AS (
  SELECT 'the schema', n.privilege
  FROM needed n
  JOIN pg_namespace s ON s.nspname = 'tally'
  WHERE n.kind = 'schema' AND NOT has_schema_privilege(s.oid, n.privilege)
  UNION
  SELECT c.relname::text, n.privilege || CASE n.part WHEN '' THEN '' ELSE ' (' || n.part || ')' END
  FROM needed n
  JOIN pg_namespace s ON s.nspname = 'tally'
  JOIN pg_class c ON c.relnamespace = s.oid AND n.name IN ('*', c.relname::text)
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname::text = n.part AND NOT a.attisdropped
  -- What a partition is read and written by is its table.
  WHERE n.kind = 'table' AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
    AND CASE
      WHEN n.part = '' THEN NOT has_table_privilege(c.oid, n.privilege)
      ELSE a.attnum IS NOT NULL AND NOT has_column_privilege(c.oid, a.attnum, n.privilege)
    END
  UNION
  SELECT p.proname::text, n.privilege
  FROM needed n
  JOIN pg_namespace s ON s.nspname = 'tally'
  JOIN pg_proc p ON p.pronamespace = s.oid AND p.proname::text = n.name
  WHERE n.kind = 'function' AND NOT has_function_privilege(p.oid, n.privilege)
)
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, current_setting('server_version'),
  pg_is_in_recovery()::integer::bigint, getdatabaseencoding()::text, current_setting('default_transaction_isolation'),
  (SELECT r.rolsuper::integer::bigint FROM pg_roles r WHERE r.rolname = current_user),
  current_setting('max_connections')::bigint,
  (SELECT count(*) FROM pg_stat_activity a WHERE a.datid IS NOT NULL),
  pg_database_size(current_database()), current_setting('synchronous_commit'), current_setting('fsync'),
  (SELECT coalesce(array_agg(t.words || ' on ' || t.name ORDER BY t.name), '{}')
   FROM (
     SELECT l.name, string_agg(l.privilege, ', ' ORDER BY l.privilege) AS words FROM lacking l GROUP BY l.name
   ) t),
  current_setting('standard_conforming_strings'), current_setting('default_transaction_read_only'),
  -- The transaction has one of its own.
  (SELECT s.reset_val::bigint FROM pg_settings s WHERE s.name = 'statement_timeout')
