-- The effect that stands. A statement of its own: the one that waited for another's commit cannot see what that
-- wrote.
-- Params:  $1 uuid job
-- Returns: bytea result; no row if no effect is committed
-- Caller:  PostgresLedger.complete
SELECT e.result FROM tally.job_effects e WHERE e.job_id = $1::uuid
