-- Claims outbox rows of these queues that nobody else is relaying, so many of each, its oldest first, and re-reads their
-- jobs in the same statement. Ended jobs are dropped; an outbox row whose jobs have all ended comes back as one row
-- without a job. In commit order of nobody: never by an id cursor, for a late commit would be skipped.
--
-- Params:  $1 bigint rows of each queue, $2 bigint age in µs, $3 text[] queues
-- Returns: outbox id bigint, version bigint (the OUTBOX row's), run at of a requeue, kind, then the snapshot (null = no
--          live job)
-- Caller:  PostgresLedger.relay
WITH claimed AS MATERIALIZED (
  SELECT o.id, o.kind, o.ids, o.versions, o.run_at
  FROM unnest($3::text[]) AS q (queue)
  CROSS JOIN LATERAL (
    SELECT r.id, r.kind, r.ids, r.versions, r.run_at
    FROM tally.outbox r
    WHERE r.queue = q.queue COLLATE "C"
      AND r.created_at <= clock_timestamp() - $2::bigint * interval '1 microsecond'
    ORDER BY r.id
    LIMIT $1::bigint
    FOR UPDATE SKIP LOCKED
  ) o
)
SELECT c.id, coalesce(u.version, 1)::bigint, c.run_at, c.kind,
  {{snapshot}}
FROM claimed c
CROSS JOIN LATERAL unnest(c.ids, c.versions) WITH ORDINALITY AS u (job, version, n)
LEFT JOIN tally.jobs j ON j.id = u.job AND j.completed_at IS NULL
ORDER BY c.id, u.n
