-- Undoes migrations/0009_partitions.sql. Loses nothing: months are told by their names again, as in migration 1. A partition that
-- came of a split over several months stays, and must be detached by hand before those months are made.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP FUNCTION tally.split_abandon, tally.split_swap, tally.split_validate, tally.split_guard, tally.split_range;
CREATE OR REPLACE FUNCTION tally.make_partitions(months integer DEFAULT 3) RETURNS integer
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
GRANT EXECUTE ON FUNCTION tally.make_partitions TO PUBLIC;
DROP FUNCTION tally.months_missing, tally.partition_ranges;
DELETE FROM tally.schema_migrations WHERE version = 9;
