-- The record of every job and of every transition, partitioned by the time inside the id.
--
-- Locks: none that anybody waits for; everything is new. Safe on a live system.
-- Undo:  undo/0001_jobs.sql, which destroys the record: take a backup first.

-- The smallest id that a job made at a moment can have. Partition bounds are such ids.
CREATE FUNCTION tally.id_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- `status` stands in no index and in no index predicate: a status change so stays within its page (HOT), which
-- halves the cost of every transition. What the partial indexes need is told by `completed_at` and `failed_at`.
CREATE TABLE tally.jobs (
  id                uuid        NOT NULL,
  type              text        NOT NULL,
  payload           jsonb       NOT NULL,              -- the searchable projection of body
  status            text        NOT NULL,
  result            jsonb,
  error             text,
  attempts          integer     NOT NULL DEFAULT 0,    -- failures so far
  max_attempts      integer     NOT NULL DEFAULT 3,    -- 0 = the worker decides
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  scheduled_at      timestamptz NOT NULL,              -- as enqueued: not before; created_at = at once
  started_at        timestamptz,
  completed_at      timestamptz,                       -- when it ended, however it ended
  worker_id         text,
  queue             text        NOT NULL DEFAULT 'default',
  priority          smallint    NOT NULL DEFAULT 2,
  version           integer     NOT NULL DEFAULT 1,    -- the fence
  floor             integer     NOT NULL DEFAULT 1,    -- version of the last requeue
  epoch             bigint      NOT NULL DEFAULT 0,
  seq               bigint      NOT NULL DEFAULT 0,
  crashes           integer     NOT NULL DEFAULT 0,
  max_crashes       integer     NOT NULL DEFAULT 3,
  attempts_at_start integer     NOT NULL DEFAULT 0,    -- what an import brought along
  run_at            timestamptz,                       -- what it waits for now
  failed_at         timestamptz,                       -- its last failure
  timeout_us        bigint,
  unique_key        text,
  unique_lifetime   bigint,                            -- µs; -1 = until terminal, -2 = for ever
  body_hash         bigint      NOT NULL,
  codec             text        NOT NULL DEFAULT 'json',
  trace             text        NOT NULL DEFAULT '',
  previous_status   text,                              -- the status before the last change: lets RETURNING count
  tags              text[]      NOT NULL DEFAULT '{}',
  body              bytea,                             -- the truth; may be dropped once completed
  result_body       bytea,
  CONSTRAINT jobs_pkey PRIMARY KEY (id),
  CONSTRAINT jobs_status_known CHECK (status IN (
    'scheduled', 'pending', 'processing', 'retrying', 'completed', 'failed', 'cancelled')),
  CONSTRAINT jobs_ended_has_time CHECK (
    (status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
  CONSTRAINT jobs_lease_has_worker CHECK (
    status <> 'processing' OR started_at IS NOT NULL AND worker_id IS NOT NULL),
  CONSTRAINT jobs_waiting_has_time CHECK ((status IN ('scheduled', 'retrying')) = (run_at IS NOT NULL)),
  CONSTRAINT jobs_failed_has_time CHECK (status <> 'failed' OR failed_at IS NOT NULL),
  CONSTRAINT jobs_body_kept CHECK (body IS NOT NULL OR status IN ('completed', 'cancelled')),
  CONSTRAINT jobs_counters CHECK (
    version >= 1 AND floor >= 1 AND version >= floor AND epoch >= 0 AND seq >= 0 AND attempts >= 0
    AND attempts_at_start >= 0 AND crashes >= 0 AND max_attempts >= 0 AND max_crashes BETWEEN 1 AND 255),
  CONSTRAINT jobs_names CHECK (
    type <> '' AND queue <> '' AND codec <> '' AND priority BETWEEN 0 AND 3
    AND id <> '00000000-0000-0000-0000-000000000000'),
  CONSTRAINT jobs_unique_whole CHECK (
    (unique_key IS NULL) = (unique_lifetime IS NULL)
    AND (unique_lifetime IS NULL OR unique_lifetime > 0 OR unique_lifetime IN (-1, -2))),
  CONSTRAINT jobs_timeout CHECK (timeout_us IS NULL OR timeout_us > 0),
  CONSTRAINT jobs_times_finite CHECK (
    isfinite(created_at) AND isfinite(updated_at) AND isfinite(scheduled_at)
    AND (started_at IS NULL OR isfinite(started_at)) AND (completed_at IS NULL OR isfinite(completed_at))
    AND (run_at IS NULL OR isfinite(run_at)) AND (failed_at IS NULL OR isfinite(failed_at)))
) PARTITION BY RANGE (id);
COMMENT ON TABLE tally.jobs IS 'Every job in its last state. Redis leads while a job is active, this row once it has ended.';

CREATE INDEX jobs_active ON tally.jobs (id) WHERE completed_at IS NULL;
COMMENT ON INDEX tally.jobs_active IS 'read/active.sql, read/balances.sql, list by a non-terminal status';
CREATE INDEX jobs_failed ON tally.jobs (id) WHERE failed_at IS NOT NULL;
COMMENT ON INDEX tally.jobs_failed IS 'list by status failed: the dead-letter set';
-- One Bloom filter per 128 pages. A common name is found by walking the primary key, a rare one by skipping what cannot
-- hold it; two B-trees in its place cost every job a quarter more at its creation and at its end (measured).
CREATE INDEX jobs_names ON tally.jobs USING brin (type text_bloom_ops, queue text_bloom_ops)
  WITH (autosummarize = on);
COMMENT ON INDEX tally.jobs_names IS 'list by type, list by queue';

CREATE TABLE tally.jobs_default PARTITION OF tally.jobs DEFAULT WITH (fillfactor = 60);

-- Append-only. `seq` is negative where the ledger moved first (requeue, cancel): such a step has no log entry.
CREATE TABLE tally.job_events (
  job_id      uuid        NOT NULL,
  shard       smallint    NOT NULL,
  epoch       bigint      NOT NULL,
  seq         bigint      NOT NULL,
  at          timestamptz NOT NULL,
  event       text        NOT NULL,
  from_status text,
  status      text        NOT NULL,
  version     integer     NOT NULL,
  attempts    integer,
  actor       text,
  error       text,
  CONSTRAINT job_events_pkey PRIMARY KEY (job_id, shard, epoch, seq),
  CONSTRAINT job_events_version CHECK (version >= 0),
  CONSTRAINT job_events_time_finite CHECK (isfinite(at))
) PARTITION BY RANGE (job_id);
COMMENT ON TABLE tally.job_events IS 'Every transition, once, in order per job.';
CREATE TABLE tally.job_events_default PARTITION OF tally.job_events DEFAULT;

-- Makes the monthly partitions from this month to `months` ahead; answers how many it made. Safe to repeat, at any
-- time, by many at once. Rows that already lie in the DEFAULT partition move over; if they are too many to move
-- while writers wait (100,000) they stay, found as before, and that month gets no partition of its own.
CREATE FUNCTION tally.make_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
  made integer := 0;
  first timestamptz;
  low uuid;
  high uuid;
  parent text;
  key text;
  name text;
  waiting bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(1952541804, hashtext('tally' || ' partitions'));
  FOR ahead IN 0 .. greatest(0, least(months, 120)) LOOP
    first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead)) AT TIME ZONE 'UTC';
    low := tally.id_at(first);
    high := tally.id_at((date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead + 1))
      AT TIME ZONE 'UTC');
    FOREACH parent IN ARRAY ARRAY['jobs', 'job_events'] LOOP
      name := parent || to_char(first AT TIME ZONE 'UTC', '_YYYY_MM');
      key := CASE parent WHEN 'jobs' THEN 'id' ELSE 'job_id' END;
      CONTINUE WHEN EXISTS (
        SELECT FROM pg_class c WHERE c.relname = name AND c.relnamespace = to_regnamespace('"tally"'));
      EXECUTE format('LOCK TABLE tally.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
      EXECUTE format('SELECT count(*) FROM (SELECT FROM tally.%I WHERE %I >= $1 AND %I < $2 LIMIT 100001) r',
        parent || '_default', key, key) INTO waiting USING low, high;
      CONTINUE WHEN waiting > 100000;
      EXECUTE format('CREATE TABLE tally.%I (LIKE tally.%I INCLUDING ALL) WITH (fillfactor = %s)',
        name, parent, CASE parent WHEN 'jobs' THEN 60 ELSE 100 END);
      IF waiting > 0 THEN
        EXECUTE format(
          'WITH moved AS (DELETE FROM tally.%I WHERE %I >= $1 AND %I < $2 RETURNING *) INSERT INTO tally.%I SELECT * FROM moved',
          parent || '_default', key, key, name) USING low, high;
      END IF;
      EXECUTE format('ALTER TABLE tally.%I ATTACH PARTITION tally.%I FOR VALUES FROM (%L) TO (%L)',
        parent, name, low, high);
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

SELECT tally.make_partitions(3);
