-- Claims outbox rows of these queues that nobody else is relaying, so many of each, its oldest first, and re-reads
-- their jobs in the same statement: of each queue as many as fit into its share of the bytes, and at least one. Ended
-- jobs are dropped, and those for which changes are kept that Redis made at the outbox row's version or a later one:
-- it had them. An outbox row whose jobs have all ended comes back as one row without a job. In commit order of
-- nobody: never by an id cursor, for a late commit would be skipped. A row that lies ahead of the clock is old: the
-- clock stepped back since.
--
-- Params:  $1 bigint rows of each queue, $2 bigint age in µs, $3 text[] queues, $4 bigint bytes of each queue
-- Returns: outbox id bigint, version bigint (the OUTBOX row's), run at of a requeue, kind, the row's queue (blank =
--          that of an older program), job, the job's queue (null = it has ended, or has no row), bigint (1: unread,
--          it is beyond the bytes; 2: it has no row), then the snapshot (null = no live job, or unread)
-- Caller:  PostgresLedger.relay
WITH claimed AS MATERIALIZED (
  SELECT o.id, o.kind, o.ids, o.versions, o.run_at, o.queue
  FROM unnest($3::text[]) AS q (queue)
  CROSS JOIN LATERAL (
    SELECT r.id, r.kind, r.ids, r.versions, r.run_at, r.queue
    FROM tally.outbox r
    WHERE r.queue = q.queue COLLATE "C"
      AND (r.created_at <= clock_timestamp() - $2::bigint * interval '1 microsecond'
        OR r.created_at > clock_timestamp())
    ORDER BY r.id
    LIMIT $1::bigint
    FOR UPDATE SKIP LOCKED
  ) o
), sized AS MATERIALIZED (
  -- The length of a body is known without reading it.
  SELECT c.id, c.kind, c.run_at, c.queue, u.job, u.version, u.n,
    CASE WHEN NOT EXISTS (
      SELECT FROM tally.held_changes h WHERE h.job_id = u.job AND h.version >= coalesce(u.version, 1)
    ) THEN k.queue END AS home,
    CASE WHEN k.id IS NULL THEN NOT EXISTS (SELECT FROM tally.jobs a WHERE a.id = u.job) ELSE false END AS is_unknown,
    coalesce(sum(octet_length(k.body)) OVER (
      PARTITION BY c.queue ORDER BY c.id, u.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
  FROM claimed c
  CROSS JOIN LATERAL unnest(c.ids, c.versions) WITH ORDINALITY AS u (job, version, n)
  LEFT JOIN tally.jobs k ON k.id = u.job AND k.completed_at IS NULL
)
SELECT s.id, coalesce(s.version, 1)::bigint, s.run_at, s.kind, s.queue, s.job, s.home,
  CASE WHEN s.is_unknown THEN 2 WHEN s.home IS NOT NULL AND s.before >= $4::bigint THEN 1 ELSE 0 END::bigint,
  :snapshot
FROM sized s
LEFT JOIN tally.jobs j ON j.id = s.job AND j.completed_at IS NULL AND s.home IS NOT NULL AND s.before < $4::bigint
ORDER BY s.id, s.n
