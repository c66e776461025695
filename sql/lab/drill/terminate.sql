-- Ends every other client's session, as an operator or a failover does (F28).
-- Params:  none.
-- Returns: text: how many.
-- Caller:  PostgresLedger.drillFindings.
SELECT count(*)::text FROM (
  SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
  WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' AND a.datname = current_database()
) s
