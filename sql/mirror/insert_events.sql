-- The careful way of mirror/copy_events.sql: what is there already stays.
-- Params:  $1 uuid[] job, $2 bigint[] epoch, $3 bigint[] seq, $4 timestamptz[] at, $5 text[] event, $6 text[] from,
--          $7 text[] status, $8 integer[] version, $9 integer[] attempts, $10 text[] actor, $11 text[] error,
--          $12 bigint shard
-- Returns: nothing
-- Caller:  PostgresLedger.apply, on the second try
INSERT INTO tally.job_events (job_id, shard, epoch, seq, at, event, from_status, status, version, attempts, actor,
  error)
SELECT i.job, $12::bigint::smallint, i.epoch, i.seq, i.at, i.event, i.source, i.status, i.version, i.attempts,
  i.actor, i.error
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
  $8::integer[], $9::integer[], $10::text[], $11::text[])
  AS i (job, epoch, seq, at, event, source, status, version, attempts, actor, error)
ON CONFLICT DO NOTHING
