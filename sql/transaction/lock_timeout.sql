-- How long a statement of this transaction waits for a lock: what an open transaction of somebody holds is not waited
-- for as long as that lasts.
-- Params:  $1 text ms.
-- Returns: one row.
-- Caller:  PostgresLedger.apply, on the second try; requeue
SELECT set_config('lock_timeout', $1::text, true)
