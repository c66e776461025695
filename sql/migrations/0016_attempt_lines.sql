-- What handlers log in each attempt, a row a line: bounded an attempt and a job, and pruned by the time inside the
-- job's id. And what is kept for a job whose row is held has the priority that a change gave it.
--
-- Locks: a moment's ACCESS EXCLUSIVE on held_changes, which is nearly always empty; the table of lines is new. Safe on
--        a live system. Older programs go on; a mirror of theirs passes over the lines.
-- After: where roles are in use, run roles.sql again; the writer needs the new table.
-- Undo:  undo/0016_attempt_lines.sql

CREATE TABLE tally.attempt_lines (
  job_id  uuid        NOT NULL,
  epoch   bigint      NOT NULL,
  version integer     NOT NULL,  -- with the epoch the lease, which is one attempt
  number  integer     NOT NULL,  -- of the line in its attempt, from 1
  at      timestamptz NOT NULL,
  line    text        NOT NULL,
  CONSTRAINT attempt_lines_pkey PRIMARY KEY (job_id, epoch, version, number)
);
COMMENT ON TABLE tally.attempt_lines IS 'What handlers log, an attempt a lease.';

ALTER TABLE tally.held_changes ADD COLUMN priority integer;
