-- For which of these jobs changes are kept.
-- Params:  $1 uuid[] ids.
-- Returns: ids.
-- Caller:  PostgresLedger.apply, where any are kept, and on the second try.
SELECT DISTINCT h.job_id FROM tally.held_changes h WHERE h.job_id = ANY ($1::uuid[])
