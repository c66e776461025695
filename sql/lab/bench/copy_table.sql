-- copy_table.sql
--
-- A logged table with the columns of jobs and no index: what binary COPY can do at best on this machine.
--
-- Params:  none
-- Returns: nothing
-- Caller:  PostgresLedger.copyLimit
CREATE TABLE tally.copy_limit (LIKE tally.jobs INCLUDING DEFAULTS);
