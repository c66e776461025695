-- Sets rows aside that could not be applied, with what they held.
-- Params:  $1 uuid[] job, $2 bigint[] epoch, $3 bigint[] seq, $4 text[] source, $5 text[] reason, $6 bytea[] raw
-- Returns: nothing
-- Caller:  PostgresLedger.apply
INSERT INTO tally.quarantine (job_id, epoch, seq, source, reason, raw)
SELECT i.job, i.epoch, i.seq, i.source, i.reason, i.raw
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
  AS i (job, epoch, seq, source, reason, raw)
