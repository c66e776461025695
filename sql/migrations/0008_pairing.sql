-- Pairing in both directions: the ledger knows its namespace, its queue, and the queues that gave way to it.
--
-- Locks: a moment's ACCESS EXCLUSIVE on identity; the table is new. Safe on a live system. Older programs go on.
-- After: where roles are in use, run roles.sql again; every program that opens the ledger needs this table.
-- Undo:  undo/0008_pairing.sql

ALTER TABLE tally.identity ADD COLUMN namespace text;    -- as it was written, before it was folded into a schema name

CREATE TABLE tally.queues (
  id          text        NOT NULL,                      -- the queue keeps it too, and loses it with its data
  epoch       bigint      NOT NULL,                      -- its latest history that was reported
  server      text        NOT NULL,                      -- the server process that was in that history, and its database
  places      text[]      NOT NULL,                      -- where it was reached
  seen_at     timestamptz NOT NULL DEFAULT now(),
  gave_way_to bigint,                                    -- epoch of the queue that took its place
  CONSTRAINT queues_pkey PRIMARY KEY (id)
) WITH (fillfactor = 10);
CREATE UNIQUE INDEX queues_one ON tally.queues ((true)) WHERE gave_way_to IS NULL;
COMMENT ON INDEX tally.queues_one IS 'A ledger has one queue.';
COMMENT ON TABLE tally.queues IS 'Which queue is this ledger''s, and which were.';
