-- How far the continuous reconciler has come: a round that was cut off goes on there, in whichever process is next.
--
-- Locks: none that anybody waits for; the table is new. Safe on a live system.
-- After: where roles are in use, run roles.sql again; the writer needs this table.
-- Undo:  undo/0005_reconcile_cursor.sql

-- One row while a round is under way.
CREATE TABLE tally.reconcile_cursor (
  one      boolean     NOT NULL DEFAULT true,
  stage    text        NOT NULL,                       -- what is being walked: the ledger's rows, or Redis' jobs
  position text        NOT NULL,                       -- a job id, or Redis' own cursor
  moved_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT reconcile_cursor_pkey PRIMARY KEY (one),
  CONSTRAINT reconcile_cursor_one_row CHECK (one),
  CONSTRAINT reconcile_cursor_stage_known CHECK (stage IN ('ledger', 'queue'))
) WITH (fillfactor = 10);
COMMENT ON TABLE tally.reconcile_cursor IS 'How far the continuous reconciler has come in its round.';
