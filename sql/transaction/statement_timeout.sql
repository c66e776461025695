-- How long a statement of this transaction may take, whatever the login or its database sets.
-- Params:  $1 text ms.
-- Returns: one row.
-- Caller:  PostgresLedger.matching, statuses
SELECT set_config('statement_timeout', $1::text, true)
