-- A job's row that a client's open transaction holds keeps nobody waiting: what the mirror has for it is kept, in order, and
-- brought to the row once that is free. And a month's partition is made whatever old rows lie in DEFAULT.
--
-- Locks: none that anybody waits for; the table is new, one function changes. Safe on a live system. Older programs go on;
--        their mirror waits for such a row, and knows nothing of what is kept for it: end them soon.
-- After: where roles are in use, run roles.sql again; the writer needs the new table.
-- Undo:  undo/0011_held_changes.sql

CREATE TABLE tally.held_changes (
  job_id       uuid        NOT NULL,
  epoch        bigint      NOT NULL,
  version      integer     NOT NULL,
  seq          bigint      NOT NULL,
  status       text        NOT NULL,
  at           timestamptz NOT NULL,
  started_at   timestamptz,
  completed_at timestamptz,
  run_at       timestamptz,
  worker_id    text,
  attempts     integer,
  crashes      integer,
  error        text,
  result_body  bytea,
  CONSTRAINT held_changes_pkey PRIMARY KEY (job_id, epoch, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE tally.held_changes IS 'What the mirror has for jobs whose rows somebody''s transaction holds.';

-- As in migration 9. A check that is NOT VALID on the table holds for new rows; what lies in DEFAULT may be older than it, and
-- moves as it is: the new partition gets that check as the table has it, after the rows.
CREATE OR REPLACE FUNCTION tally.make_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  made integer := 0;
  month record;
  old record;
  key text;
  waiting bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(1952541804, hashtext('tally' || ' partitions'));
  FOR month IN SELECT * FROM tally.months_missing(months) m ORDER BY m.low, m.parent LOOP
    key := CASE month.parent WHEN 'jobs' THEN 'id' ELSE 'job_id' END;
    EXECUTE format('LOCK TABLE tally.%I IN ACCESS EXCLUSIVE MODE', month.parent || '_default');
    EXECUTE format('SELECT count(*) FROM (SELECT FROM tally.%I WHERE %I >= $1 AND %I < $2 LIMIT 100001) r',
      month.parent || '_default', key, key) INTO waiting USING month.low, month.high;
    CONTINUE WHEN waiting > 100000;
    EXECUTE format('CREATE TABLE tally.%I (LIKE tally.%I INCLUDING ALL) WITH (fillfactor = %s)',
      month.name, month.parent, CASE month.parent WHEN 'jobs' THEN 60 ELSE 100 END);
    IF waiting > 0 THEN
      FOR old IN SELECT c.conname AS name FROM pg_constraint c
        WHERE c.conrelid = format('tally.%I', month.parent)::regclass AND c.contype = 'c' AND NOT c.convalidated
      LOOP
        EXECUTE format('ALTER TABLE tally.%I DROP CONSTRAINT %I', month.name, old.name);
      END LOOP;
      EXECUTE format(
        'WITH moved AS (DELETE FROM tally.%I WHERE %I >= $1 AND %I < $2 RETURNING *) INSERT INTO tally.%I SELECT * FROM moved',
        month.parent || '_default', key, key, month.name) USING month.low, month.high;
      FOR old IN SELECT c.conname AS name, pg_get_constraintdef(c.oid) AS rule FROM pg_constraint c
        WHERE c.conrelid = format('tally.%I', month.parent)::regclass AND c.contype = 'c' AND NOT c.convalidated
      LOOP
        EXECUTE format('ALTER TABLE tally.%I ADD CONSTRAINT %I %s', month.name, old.name, old.rule);
      END LOOP;
    END IF;
    EXECUTE format('ALTER TABLE tally.%I ATTACH PARTITION tally.%I FOR VALUES FROM (%L) TO (%L)',
      month.parent, month.name, month.low, month.high);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
