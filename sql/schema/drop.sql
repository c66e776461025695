-- drop.sql
--
-- Removes a ledger with everything in it. For scratch namespaces of tests only.
--
-- Params:  none
-- Returns: nothing
-- Caller:  Migrator.removeLedger
DROP SCHEMA IF EXISTS "tally" CASCADE;
