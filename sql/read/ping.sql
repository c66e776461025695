-- Whether the server answers and takes writes.
-- Params: none. Returns: recovery bigint (1 = a standby, read only). Caller: PostgresLedger.open.
SELECT pg_is_in_recovery()::integer::bigint
