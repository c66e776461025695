-- Makes the server read its settings again.
-- Params:  none.
-- Returns: text: true.
-- Caller:  PostgresLedger.drillFindings.
SELECT pg_reload_conf()::text
