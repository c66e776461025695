-- What the duties between the halves need: outbox, unique keys, workers, the mirror's cursor, balances, findings.
--
-- Locks: none that anybody waits for; everything is new. Safe on a live system.
-- Undo:  undo/0002_duties.sql

-- One row a flush, not one a job: a row a job doubles the cost of an enqueue.
CREATE TABLE tally.outbox (
  id         bigint      GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind       text        NOT NULL,
  ids        uuid[]      NOT NULL,
  versions   integer[]   NOT NULL DEFAULT '{}',        -- empty = all 1
  run_at     timestamptz,                              -- of a requeue
  first_id   uuid        NOT NULL,                     -- the span of ids: lets views skip rows without reading ids
  last_id    uuid        NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (id),
  CONSTRAINT outbox_kind_known CHECK (kind IN ('enqueue', 'requeue')),
  CONSTRAINT outbox_ids_whole CHECK (
    cardinality(ids) > 0 AND (cardinality(versions) = 0 OR cardinality(versions) = cardinality(ids)))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE tally.outbox IS 'Jobs that the ledger has and the queue may not have yet.';

-- Unpartitioned: a key must be unique over all time. Wait for nothing else while holding one.
CREATE TABLE tally.unique_keys (
  queue  text        NOT NULL,
  key    text        NOT NULL,
  job_id uuid        NOT NULL,
  until  timestamptz NOT NULL,                         -- infinity = until terminal, or for ever
  CONSTRAINT unique_keys_pkey PRIMARY KEY (queue, key)
);

CREATE TABLE tally.job_effects (
  job_id uuid        NOT NULL,
  token  text        NOT NULL DEFAULT '',              -- epoch-version of the lease that did it
  at     timestamptz NOT NULL DEFAULT now(),
  result bytea,                                        -- what a later attempt acks with
  CONSTRAINT job_effects_pkey PRIMARY KEY (job_id)
);
COMMENT ON TABLE tally.job_effects IS 'Written by handlers in the transaction of their effect: present means done.';

CREATE TABLE tally.workers (
  id          text        NOT NULL,
  status      text        NOT NULL,
  last_seen   timestamptz NOT NULL,
  job_types   jsonb       NOT NULL,
  current_job text,
  metadata    jsonb,
  queues      jsonb       NOT NULL DEFAULT '[]',
  running     uuid[]      NOT NULL DEFAULT '{}',
  concurrency integer     NOT NULL DEFAULT 0,
  started_at  timestamptz NOT NULL DEFAULT now(),
  host        text        NOT NULL DEFAULT '',
  pid         integer     NOT NULL DEFAULT 0,
  CONSTRAINT workers_pkey PRIMARY KEY (id),
  CONSTRAINT workers_status_known CHECK (status IN ('running', 'draining', 'stopped')),
  CONSTRAINT workers_times_finite CHECK (isfinite(last_seen) AND isfinite(started_at)),
  CONSTRAINT workers_types_list CHECK (jsonb_typeof(job_types) = 'array' AND jsonb_typeof(queues) = 'array')
);

CREATE TABLE tally.mirror_cursor (
  shard smallint    NOT NULL,
  epoch bigint      NOT NULL,
  seq   bigint      NOT NULL,
  at    timestamptz NOT NULL,
  CONSTRAINT mirror_cursor_pkey PRIMARY KEY (shard)
);

CREATE TABLE tally.quarantine (
  id     bigint      GENERATED ALWAYS AS IDENTITY,
  at     timestamptz NOT NULL DEFAULT now(),
  job_id uuid        NOT NULL,
  shard  smallint    NOT NULL DEFAULT 0,
  epoch  bigint      NOT NULL,
  seq    bigint      NOT NULL,
  source text        NOT NULL,                         -- unreadable, event, created, changed, beat
  reason text        NOT NULL,
  raw    bytea       NOT NULL,
  CONSTRAINT quarantine_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE tally.quarantine IS 'What the mirror could not apply. The rest of its batch was applied.';

-- One row. Every transaction touches it last, so its lock is held only while a commit is written.
CREATE TABLE tally.balances (
  one       boolean NOT NULL DEFAULT true,
  accepted  bigint  NOT NULL DEFAULT 0,
  completed bigint  NOT NULL DEFAULT 0,
  failed    bigint  NOT NULL DEFAULT 0,
  cancelled bigint  NOT NULL DEFAULT 0,
  purged    bigint  NOT NULL DEFAULT 0,
  archived  bigint  NOT NULL DEFAULT 0,
  CONSTRAINT balances_pkey PRIMARY KEY (one),
  CONSTRAINT balances_one_row CHECK (one),
  CONSTRAINT balances_not_negative CHECK (
    accepted >= 0 AND completed >= 0 AND failed >= 0 AND cancelled >= 0 AND purged >= 0 AND archived >= 0)
) WITH (fillfactor = 10);
INSERT INTO tally.balances DEFAULT VALUES;

CREATE TABLE tally.reconcile_runs (
  id             uuid        NOT NULL,
  started_at     timestamptz NOT NULL,
  finished_at    timestamptz NOT NULL,
  mode           text        NOT NULL,
  epoch          bigint      NOT NULL,
  seq            bigint      NOT NULL,
  scanned_queue  bigint      NOT NULL,
  scanned_ledger bigint      NOT NULL,
  inconclusive   bigint      NOT NULL,
  exit_code      integer     NOT NULL,
  CONSTRAINT reconcile_runs_pkey PRIMARY KEY (id)
);

CREATE TABLE tally.reconcile_findings (
  run_id      uuid    NOT NULL REFERENCES tally.reconcile_runs (id) ON DELETE CASCADE,
  number      integer NOT NULL,
  code        text    NOT NULL,
  job_id      uuid,
  queue_view  text    NOT NULL,
  ledger_view text    NOT NULL,
  outcome     text    NOT NULL,
  CONSTRAINT reconcile_findings_pkey PRIMARY KEY (run_id, number)
);

CREATE TABLE tally.audit_log (
  id      bigint      GENERATED ALWAYS AS IDENTITY,
  at      timestamptz NOT NULL DEFAULT now(),
  actor   text        NOT NULL,
  action  text        NOT NULL,
  subject text        NOT NULL,
  detail  jsonb,
  CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE tally.audit_log IS 'What operators asked for.';
