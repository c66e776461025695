-- Sets rows aside that could not be applied, with what they held. One that stands there already stays as it is: the
-- mirror may have gone back, and cuts its batches elsewhere then. So the position is that of the row's own entry,
-- also of a worker's report, which is about no job.
-- Params:  $1 uuid[] job, $2 bigint[] epoch, $3 bigint[] seq, $4 text[] source, $5 text[] reason, $6 bytea[] raw,
--          $7 bigint shard
-- Returns: nothing
-- Caller:  PostgresLedger.apply
INSERT INTO tally.quarantine (job_id, shard, epoch, seq, source, reason, raw)
SELECT i.job, $7::bigint::smallint, i.epoch, i.seq, i.source, i.reason, i.raw
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
  AS i (job, epoch, seq, source, reason, raw)
WHERE NOT EXISTS (
  SELECT FROM tally.quarantine q
  WHERE q.job_id = i.job AND q.shard = $7::bigint::smallint AND q.epoch = i.epoch AND q.seq = i.seq
    AND q.source = i.source)
