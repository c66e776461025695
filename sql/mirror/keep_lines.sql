-- Keeps what handlers have logged. A worker tells a line again where it does not know that it was heard: what is
-- there already stays.
-- Params:  $1 uuid[] job, $2 bigint[] epoch, $3 integer[] version, $4 integer[] number, $5 timestamptz[] at,
--          $6 text[] line
-- Returns: nothing
-- Caller:  PostgresLedger.apply
INSERT INTO tally.attempt_lines (job_id, epoch, version, number, at, line)
SELECT i.job, i.epoch, i.version, i.number, i.at, i.line
FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::integer[], $5::timestamptz[], $6::text[])
  AS i (job, epoch, version, number, at, line)
ORDER BY i.job, i.epoch, i.version, i.number
ON CONFLICT DO NOTHING
