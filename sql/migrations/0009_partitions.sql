-- Months: told by the bounds of the partitions rather than by their names; made by `tally serve` under the writer's role; and
-- a DEFAULT partition that filled becomes a partition of its own while the system runs.
--
-- Locks: none that anybody waits for; only functions change. Safe on a live system. Older programs go on.
-- After: where roles are in use, run roles.sql again; the writer makes partitions.
-- Undo:  undo/0009_partitions.sql

-- The ranges of the monthly partitions of a table.
CREATE FUNCTION tally.partition_ranges(parent text) RETURNS TABLE (name text, low uuid, high uuid)
LANGUAGE sql STABLE AS $$
  SELECT c.relname::text, (m.bounds)[1]::uuid, (m.bounds)[2]::uuid
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  CROSS JOIN LATERAL regexp_match(
    pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([0-9a-f-]+)''\) TO \(''([0-9a-f-]+)''\)') AS m (bounds)
  WHERE i.inhparent = to_regclass(format('%I.%I', 'tally', parent)) AND m.bounds IS NOT NULL
$$;

-- The months from this one to `ahead`, in which a table has no partition.
CREATE FUNCTION tally.months_missing(ahead integer) RETURNS TABLE (name text, parent text, low uuid, high uuid)
LANGUAGE sql STABLE AS $$
  SELECT p.parent || to_char(m.first, '_YYYY_MM'), p.parent, b.low, b.high
  FROM generate_series(0, greatest(0, least(ahead, 120))) AS n (n)
  CROSS JOIN LATERAL (
    SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n.n) AS first) AS m
  CROSS JOIN LATERAL (
    SELECT tally.id_at(m.first AT TIME ZONE 'UTC') AS low,
      tally.id_at((m.first + interval '1 month') AT TIME ZONE 'UTC') AS high) AS b
  CROSS JOIN (VALUES ('jobs'), ('job_events')) AS p (parent)
  WHERE NOT EXISTS (
    SELECT FROM tally.partition_ranges(p.parent) r WHERE r.low < b.high AND b.low < r.high)
$$;

-- As in migration 1; a month that any partition reaches into is left out.
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

-- The gap between two partitions of a table, in which its DEFAULT partition has its first row: the last gap ends with this
-- month. No row = the DEFAULT partition is empty.
CREATE FUNCTION tally.split_range(parent text, OUT name text, OUT low uuid, OUT high uuid) RETURNS SETOF record
LANGUAGE plpgsql STABLE AS $$
DECLARE
  key text := CASE parent WHEN 'jobs' THEN 'id' ELSE 'job_id' END;
  smallest uuid;
  first timestamp;
  last timestamp;
BEGIN
  EXECUTE format('SELECT r.%I FROM tally.%I r ORDER BY r.%I LIMIT 1', key, parent || '_default', key) INTO smallest;
  IF smallest IS NULL THEN RETURN; END IF;
  first := date_trunc('month', to_timestamp(('x' || left(replace(smallest::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
    AT TIME ZONE 'UTC');
  low := coalesce(
    (SELECT p.high FROM tally.partition_ranges(parent) p WHERE p.high <= smallest ORDER BY p.high DESC LIMIT 1),
    tally.id_at(first AT TIME ZONE 'UTC'));
  SELECT p.low INTO high FROM tally.partition_ranges(parent) p WHERE p.low > smallest ORDER BY p.low LIMIT 1;
  last := greatest(date_trunc('month', now() AT TIME ZONE 'UTC'), first) + interval '1 month';
  high := coalesce(high, tally.id_at(last AT TIME ZONE 'UTC'));
  name := parent || to_char(first, '_YYYY_MM');
  IF high > tally.id_at((first + interval '1 month') AT TIME ZONE 'UTC') THEN name := name || '_on'; END IF;
  RETURN NEXT;
END $$;

-- The three steps of a split, each in a transaction of its own, and the way back.
CREATE FUNCTION tally.split_guard(parent text) RETURNS text
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  range record;
  key text := CASE parent WHEN 'jobs' THEN 'id' ELSE 'job_id' END;
BEGIN
  SELECT * INTO range FROM tally.split_range(parent);
  IF range.name IS NULL THEN RETURN NULL; END IF;
  EXECUTE format('ALTER TABLE tally.%I DROP CONSTRAINT IF EXISTS %I', parent || '_default', parent || '_split');
  EXECUTE format('ALTER TABLE tally.%I ADD CONSTRAINT %I CHECK (%I >= %L AND %I < %L) NOT VALID',
    parent || '_default', parent || '_split', key, range.low, key, range.high);
  RETURN range.name;
END $$;

CREATE FUNCTION tally.split_validate(parent text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE tally.%I VALIDATE CONSTRAINT %I', parent || '_default', parent || '_split');
END $$;

CREATE FUNCTION tally.split_swap(parent text) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  range record;
  spare text := parent || '_default';
BEGIN
  EXECUTE format('LOCK TABLE tally.%I IN ACCESS EXCLUSIVE MODE', parent);
  SELECT * INTO range FROM tally.split_range(parent);
  EXECUTE format('ALTER TABLE tally.%I DETACH PARTITION tally.%I', parent, spare);
  EXECUTE format('ALTER TABLE tally.%I RENAME TO %I', spare, range.name);
  EXECUTE format('CREATE TABLE tally.%I (LIKE tally.%I INCLUDING ALL) WITH (fillfactor = %s)',
    spare, parent, CASE parent WHEN 'jobs' THEN 60 ELSE 100 END);
  EXECUTE format('ALTER TABLE tally.%I ATTACH PARTITION tally.%I DEFAULT', parent, spare);
  EXECUTE format('ALTER TABLE tally.%I ATTACH PARTITION tally.%I FOR VALUES FROM (%L) TO (%L)',
    parent, range.name, range.low, range.high);
  EXECUTE format('ALTER TABLE tally.%I DROP CONSTRAINT %I', range.name, parent || '_split');
END $$;

CREATE FUNCTION tally.split_abandon(parent text) RETURNS void
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
  EXECUTE format('ALTER TABLE tally.%I DROP CONSTRAINT IF EXISTS %I', parent || '_default', parent || '_split');
END $$;

REVOKE EXECUTE ON FUNCTION tally.make_partitions, tally.split_guard, tally.split_validate, tally.split_swap,
  tally.split_abandon FROM PUBLIC;
