-- drop_copy_table.sql
--
-- Params:  none
-- Returns: nothing
-- Caller:  PostgresLedger.copyLimit
DROP TABLE IF EXISTS tally.copy_limit;
