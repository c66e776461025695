-- Whether the server answers and takes writes, in which encoding it keeps text, and how this login's transactions
-- begin.
-- Params:  none.
-- Returns: recovery bigint (1 = a standby, read only), encoding and name of the database, isolation level.
-- Caller:  PostgresLedger.open, Migrator
SELECT pg_is_in_recovery()::integer::bigint, getdatabaseencoding()::text, current_database()::text,
  current_setting('default_transaction_isolation')
