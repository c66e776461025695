-- Every new transaction may only read, as on a server that became a standby (F20). Undone by drill/read_write.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.drillScript.
ALTER SYSTEM SET default_transaction_read_only = on
