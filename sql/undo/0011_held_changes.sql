-- Undoes migrations/0011_held_changes.sql. Let `tally serve` bring to the jobs what is kept for them first: the table must be empty.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DO $$ BEGIN
  IF EXISTS (SELECT FROM tally.held_changes) THEN RAISE EXCEPTION 'held_changes is not empty: let tally serve bring it to the jobs'; END IF;
END $$;
DROP TABLE tally.held_changes;
CREATE OR REPLACE FUNCTION tally.make_partitions(months integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  made integer := 0;
  month record;
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
      EXECUTE format(
        'WITH moved AS (DELETE FROM tally.%I WHERE %I >= $1 AND %I < $2 RETURNING *) INSERT INTO tally.%I SELECT * FROM moved',
        month.parent || '_default', key, key, month.name) USING month.low, month.high;
    END IF;
    EXECUTE format('ALTER TABLE tally.%I ATTACH PARTITION tally.%I FOR VALUES FROM (%L) TO (%L)',
      month.parent, month.name, month.low, month.high);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
DELETE FROM tally.schema_migrations WHERE version = 11;
