-- What the frame of duties needs: how each duty fares, for other processes to see; leases by name; and word to whoever
-- holds the lease to repair that somebody waits for it.
--
-- Locks: a moment's ACCESS EXCLUSIVE on reconciler_lease; the tables are new. Safe on a live system. Older programs go on.
-- After: where roles are in use, run roles.sql again; the writer needs these tables.
-- Undo:  undo/0006_duty_frame.sql

CREATE TABLE tally.duties (
  name         text        NOT NULL,
  silence      interval    NOT NULL,                     -- no success for so long is an alarm
  last_success timestamptz,
  last_error   text        NOT NULL DEFAULT '',          -- of the last step that was reported; '' = it did not fail
  holder       text        NOT NULL,                     -- the process that reported last
  first_seen   timestamptz NOT NULL DEFAULT now(),
  reported_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT duties_pkey PRIMARY KEY (name),
  CONSTRAINT duties_names CHECK (name <> '')
) WITH (fillfactor = 10);
COMMENT ON TABLE tally.duties IS 'How the duties of tally serve fare, whichever process runs them.';

-- One row while a duty runs that only one process may run.
CREATE TABLE tally.duty_leases (
  name         text        NOT NULL,
  token        uuid        NOT NULL,
  holder       text        NOT NULL,
  until        timestamptz NOT NULL,
  wanted_until timestamptz,                              -- somebody waits urgently, until then
  CONSTRAINT duty_leases_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE tally.duty_leases IS 'Who may do alone what only one process may do at a time.';

ALTER TABLE tally.reconciler_lease ADD COLUMN wanted_until timestamptz;
