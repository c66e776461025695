-- Why jobs were left out by record/record.sql. A statement of its own: it must see what others committed meanwhile.
--
-- Params:  $1 uuid[] id, $2 text[] type, $3 text[] queue, $4 bigint[] body hash, $5 text[] unique key ('' = none)
-- Returns: present bigint (0/1), same bigint (0/1: type, queue and body are those of the row), holder of the key
--          uuid, whether the queue keeps its keys bigint (0/1); one row a job, in order
-- Caller:  PostgresLedger.record
SELECT (j.id IS NOT NULL)::integer::bigint,
  coalesce(j.type = i.type AND j.queue = i.queue AND j.body_hash IN (i.hash, 0), false)::integer::bigint,
  u.job_id,
  (i.key <> '' AND EXISTS (SELECT FROM tally.key_homes h WHERE h.queue = i.queue))::integer::bigint
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[])
  WITH ORDINALITY AS i (id, type, queue, hash, key, n)
LEFT JOIN LATERAL (
  SELECT r.id, r.type, r.queue, r.body_hash FROM tally.jobs r WHERE r.id = i.id LIMIT 1) j ON true
LEFT JOIN LATERAL (
  SELECT k.job_id FROM tally.unique_keys k WHERE k.queue = i.queue AND k.key = i.key LIMIT 1) u ON i.key <> ''
ORDER BY i.n
