-- One page of jobs, newest first, by id.
-- Params:  $1 queue, $2 type, $3 status (each null = any), $4 uuid after (null = from the start), $5 bigint limit
-- Returns: the snapshot
-- Caller:  PostgresLedger.list
SELECT {{snapshot}}
FROM tally.jobs j
WHERE {{filter}}
  AND ($4::uuid IS NULL OR j.id < $4)
ORDER BY j.id DESC LIMIT $5::bigint
