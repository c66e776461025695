-- Whether the server answers and takes writes, and in which encoding it keeps text.
-- Params: none. Returns: recovery bigint (1 = a standby, read only), encoding and name of the database. Caller:
-- PostgresLedger.open, Migrator
SELECT pg_is_in_recovery()::integer::bigint, getdatabaseencoding()::text, current_database()::text
