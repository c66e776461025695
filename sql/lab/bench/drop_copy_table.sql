-- drop_copy_table.sql
--
-- Drops the table of copy_table.sql, so that a bench leaves nothing behind.
--
-- Params:  none
-- Returns: nothing
-- Caller:  PostgresLedger.copyLimit
DROP TABLE IF EXISTS tally.copy_limit;
