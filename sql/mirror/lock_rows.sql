-- Locks those of these jobs' rows that nobody else holds, without waiting, until the transaction ends.
-- Params:  $1 uuid[] ids
-- Returns: the ids of the rows that somebody else holds
-- Caller:  PostgresLedger.apply, on the second try; relay
WITH mine AS MATERIALIZED (
  SELECT j.id FROM tally.jobs j WHERE j.id = ANY ($1::uuid[]) ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED
)
SELECT j.id FROM tally.jobs j WHERE j.id = ANY ($1::uuid[]) AND j.id NOT IN (SELECT m.id FROM mine m)
