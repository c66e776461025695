-- What a job was replayed from and as, the first note first. Each side of the condition has an index of its own.
-- Params:  $1 uuid id, $2 bigint limit
-- Returns: uuid of the other job, bigint whether that one was first, timestamptz when
-- Caller:  PostgresLedger.lineage
SELECT CASE WHEN a.subject = $1::uuid::text THEN (a.detail ->> 'as')::uuid ELSE a.subject::uuid END,
  (a.subject <> $1::uuid::text)::integer::bigint, a.at
FROM tally.audit_log a
WHERE a.action = 'replay' AND (a.subject = $1::uuid::text OR a.detail ->> 'as' = $1::uuid::text)
ORDER BY a.id LIMIT $2::bigint
