-- Whether the server answers and takes writes, in which encoding it keeps text, how this login's transactions begin,
-- and whether a backslash in a plain text is one.
-- Params:  none.
-- Returns: recovery bigint (1 = a standby, read only), encoding and name of the database, isolation level,
--          standard_conforming_strings, on or off.
-- Caller:  PostgresLedger.open, Migrator
SELECT pg_is_in_recovery()::integer::bigint, getdatabaseencoding()::text, current_database()::text,
  current_setting('default_transaction_isolation'), current_setting('standard_conforming_strings')
