-- Sets rows aside that could not be applied, with what they held.
-- Params:  $1 uuid[] job, $2 bigint[] epoch, $3 bigint[] seq, $4 text[] source, $5 text[] reason, $6 bytea[] raw,
--          $7 bigint shard
-- Returns: nothing
-- Caller:  PostgresLedger.apply
INSERT INTO tally.quarantine (job_id, shard, epoch, seq, source, reason, raw)
SELECT i.job, $7::bigint::smallint, i.epoch, i.seq, i.source, i.reason, i.raw
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
  AS i (job, epoch, seq, source, reason, raw)
