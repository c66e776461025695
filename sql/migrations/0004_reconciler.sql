-- What the reconciler leaves and asks: runs and findings in full, its lease, the ledger's identity, lost workers, and an
-- index in log order for the window that a rollback of Redis lost.
--
-- Locks: SHARE on job_events while the index is built, one read of the table: stop `tally serve` meanwhile if that is
--        long. A moment's ACCESS EXCLUSIVE on workers, reconcile_runs and reconcile_findings.
-- Undo:  undo/0004_reconciler.sql

ALTER TABLE tally.reconcile_runs
  ADD COLUMN actor      text    NOT NULL DEFAULT '',
  ADD COLUMN host       text    NOT NULL DEFAULT '',
  ADD COLUMN version    text    NOT NULL DEFAULT '',
  ADD COLUMN end_seq    bigint  NOT NULL DEFAULT 0,
  ADD COLUMN found      bigint  NOT NULL DEFAULT 0,
  ADD COLUMN repaired   bigint  NOT NULL DEFAULT 0,
  ADD COLUMN raced      bigint  NOT NULL DEFAULT 0,
  ADD COLUMN left_over  bigint  NOT NULL DEFAULT 0,
  ADD COLUMN full_cycle boolean NOT NULL DEFAULT false,   -- every active job of both halves was compared
  ADD COLUMN error      text;                             -- why it stopped, if it did
CREATE INDEX reconcile_runs_full ON tally.reconcile_runs (finished_at) WHERE full_cycle;
COMMENT ON INDEX tally.reconcile_runs_full IS 'reconcile/last_full.sql';

ALTER TABLE tally.reconcile_findings
  ADD COLUMN severity   text        NOT NULL DEFAULT '',  -- H lost or stuck, M wrong history or duplicate, L cosmetic
  ADD COLUMN queue      text        NOT NULL DEFAULT '',
  ADD COLUMN detail     text        NOT NULL DEFAULT '',
  ADD COLUMN at         timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN first_seen timestamptz NOT NULL DEFAULT now();
CREATE INDEX reconcile_findings_job ON tally.reconcile_findings (job_id, code) WHERE job_id IS NOT NULL;
COMMENT ON INDEX tally.reconcile_findings_job IS 'reconcile/record_run.sql: when a finding was first seen';

-- One row while somebody repairs.
CREATE TABLE tally.reconciler_lease (
  one    boolean     NOT NULL DEFAULT true,
  token  uuid        NOT NULL,
  holder text        NOT NULL,
  until  timestamptz NOT NULL,
  CONSTRAINT reconciler_lease_pkey PRIMARY KEY (one),
  CONSTRAINT reconciler_lease_one_row CHECK (one)
);
COMMENT ON TABLE tally.reconciler_lease IS 'Who may repair, until when: never two at once.';

-- One row: Redis keeps a copy, and refuses the company of another ledger.
CREATE TABLE tally.identity (
  one     boolean     NOT NULL DEFAULT true,
  id      uuid        NOT NULL DEFAULT gen_random_uuid(),
  made_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT identity_pkey PRIMARY KEY (one),
  CONSTRAINT identity_one_row CHECK (one)
);
COMMENT ON TABLE tally.identity IS 'Which ledger this is.';
INSERT INTO tally.identity DEFAULT VALUES;

ALTER TABLE tally.workers DROP CONSTRAINT workers_status_known;
ALTER TABLE tally.workers ADD CONSTRAINT workers_status_known CHECK (
  status IN ('running', 'draining', 'stopped', 'lost'));

-- Events arrive in log order: a block range index is a few pages, and costs a COPY next to nothing.
CREATE INDEX job_events_order ON tally.job_events USING brin (epoch, seq, at) WITH (pages_per_range = 32);
COMMENT ON INDEX tally.job_events_order IS 'reconcile/window.sql';
