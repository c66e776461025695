-- For which of these jobs changes are kept.
-- Params:  $1 uuid[] ids. Returns: ids. Caller: PostgresLedger.apply, where any are kept.
SELECT DISTINCT h.job_id FROM tally.held_changes h WHERE h.job_id = ANY ($1::uuid[])
