-- Undoes drill/read_only.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.drillScript.
ALTER SYSTEM RESET default_transaction_read_only
