-- The ledger's whole schema, to read: written by ops/schema from what the migrations make; do not edit.

CREATE SCHEMA tally;

CREATE FUNCTION tally.enqueue(type text, payload jsonb, queue text DEFAULT 'default'::text, priority integer DEFAULT 2, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, max_attempts integer DEFAULT 3, timeout interval DEFAULT NULL::interval, unique_key text DEFAULT NULL::text, tags text[] DEFAULT '{}'::text[], trace text DEFAULT ''::text, id uuid DEFAULT NULL::uuid, header_names text[] DEFAULT NULL::text[], header_values bytea[] DEFAULT NULL::bytea[], tenant text DEFAULT NULL::text, limit_key text DEFAULT NULL::text, not_after timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  -- clock_timestamp, not now(): ids of one transaction stay in order.
  made timestamptz := clock_timestamp();
  job uuid := coalesce(enqueue.id, tally.new_id(made));
  key text := tally.trimmed(enqueue.unique_key);
  due timestamptz := enqueue.run_at;
  body bytea := convert_to(enqueue.payload::text, 'UTF8');
  why text;
  holder uuid;
BEGIN
  IF body IS NULL THEN RAISE EXCEPTION 'payload: JSON is required' USING ERRCODE = '22023'; END IF;
  why := tally.job_problem(
    enqueue.type, enqueue.queue, coalesce(enqueue.priority, 2), octet_length(body), due, made,
    coalesce(enqueue.max_attempts, 3), enqueue.timeout, key, coalesce(enqueue.tags, '{}'), coalesce(enqueue.trace, ''),
    enqueue.header_names, enqueue.header_values, enqueue.tenant, enqueue.limit_key, enqueue.not_after);
  IF why IS NOT NULL THEN RAISE EXCEPTION '%', why USING ERRCODE = '22023'; END IF;
  -- Whoever gives a key wants one job: a blank one must not let every job in.
  IF enqueue.unique_key IS NOT NULL AND coalesce(key, '') = '' THEN
    RAISE EXCEPTION 'unique key: is empty' USING ERRCODE = '22023';
  END IF;
  IF enqueue.id IS NOT NULL AND (substr(job::text, 15, 1) <> '7' OR substr(job::text, 20, 1) NOT IN ('8', '9', 'a', 'b')
    OR abs(('x' || substr(replace(job::text, '-', ''), 1, 12))::bit(48)::bigint - extract(epoch FROM made) * 1000)
      > 86400000) THEN
    RAISE EXCEPTION 'id: % is not within UUIDv7 made within a day of now, by the store''s clock; use a unique key for other names', job
      USING ERRCODE = '22023';
  END IF;
  IF EXISTS (SELECT FROM tally.jobs j WHERE j.id = job) THEN RETURN job; END IF;
  IF (cardinality(enqueue.header_names) > 0 OR enqueue.tenant IS NOT NULL OR enqueue.limit_key IS NOT NULL
    OR enqueue.not_after IS NOT NULL) AND (SELECT i.record_layout < 2 FROM tally.identity i) THEN
    RAISE EXCEPTION 'headers, tenant, limit key and not-after need record layout 2, which older programs cannot read: upgrade every program that uses this queue, then run `tally migrate --record-layout 2`'
      USING ERRCODE = '22023', CONSTRAINT = 'record_layout';
  END IF;
  IF key IS NOT NULL AND EXISTS (SELECT FROM tally.key_homes h WHERE h.queue = enqueue.queue) THEN
    RAISE EXCEPTION 'unique_key: the unique keys of queue % belong to mode queued; enqueue in that mode, without a key, or to another queue', enqueue.queue
      USING ERRCODE = '22023', CONSTRAINT = 'key_homes';
  END IF;
  -- Looked at before it is asked for: the conflict below locks a taken key's row until the caller's transaction ends.
  WHILE key IS NOT NULL AND holder IS NULL LOOP
    SELECT u.job_id INTO holder FROM tally.unique_keys u
    WHERE u.queue = enqueue.queue AND u.key = key AND u.until > clock_timestamp();
    IF FOUND THEN RETURN holder; END IF;
    INSERT INTO tally.unique_keys AS u (queue, key, job_id, until)
    VALUES (enqueue.queue, key, job, 'infinity')
    ON CONFLICT ON CONSTRAINT unique_keys_pkey DO UPDATE SET job_id = EXCLUDED.job_id, until = EXCLUDED.until
      WHERE u.until <= clock_timestamp()
    RETURNING u.job_id INTO holder;
  END LOOP;
  INSERT INTO tally.jobs (
    id, type, payload, status, max_attempts, created_at, updated_at, scheduled_at, queue, priority, run_at,
    timeout_us, unique_key, unique_lifetime, body_hash, tags, trace, body, header_names, header_values, tenant, limit_key,
    not_after)
  VALUES (
    job, enqueue.type, enqueue.payload, CASE WHEN due > made THEN 'scheduled' ELSE 'pending' END,
    coalesce(enqueue.max_attempts, 3), made, made, coalesce(due, made), enqueue.queue,
    coalesce(enqueue.priority, 2), CASE WHEN due > made THEN due END,
    (extract(epoch FROM enqueue.timeout) * 1000000)::bigint, key, CASE WHEN key IS NOT NULL THEN -1 END,
    0, coalesce(enqueue.tags, '{}'), coalesce(enqueue.trace, ''), body,
    -- By the bytes of their names, as every program writes them.
    CASE WHEN cardinality(enqueue.header_names) > 0 THEN
      ARRAY(SELECT h.name FROM unnest(enqueue.header_names) AS h (name) ORDER BY h.name COLLATE "C") END,
    CASE WHEN cardinality(enqueue.header_names) > 0 THEN
      ARRAY(SELECT h.value FROM unnest(enqueue.header_names, enqueue.header_values) AS h (name, value)
        ORDER BY h.name COLLATE "C") END,
    enqueue.tenant, enqueue.limit_key, enqueue.not_after);
  INSERT INTO tally.outbox (kind, ids, first_id, last_id, queue)
  VALUES ('enqueue', ARRAY[job], job, job, enqueue.queue);
  RETURN job;
END $$;

CREATE FUNCTION tally.id_at(moment timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
  SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION tally.is_blank(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT name IS NULL
    OR name COLLATE "C" !~ '[^\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
$$;

CREATE FUNCTION tally.job_problem(type text, queue text, priority integer, body_bytes bigint, run_at timestamp with time zone, created_at timestamp with time zone, max_attempts integer, timeout interval, unique_key text, tags text[], trace text, header_names text[], header_values bytea[], tenant text, limit_key text, not_after timestamp with time zone) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
  timeout_us numeric := round(extract(epoch FROM timeout) * 1000000);
  headers integer := coalesce(cardinality(header_names), 0);
  header_bytes bigint := 0;
  why text;
BEGIN
  IF tally.is_blank(type) THEN RETURN 'type: required; name the kind of job, such as `invoice.send`'; END IF;
  IF tally.is_blank(queue) THEN RETURN 'queue: must not be blank; leave it out for `default`'; END IF;
  IF timeout_us < 0 THEN RETURN format('timeout: %s µs is negative; leave it out for none', timeout_us); END IF;
  IF max_attempts < 0 THEN
    RETURN format('max attempts: %s is negative; 0 leaves it to the worker', max_attempts);
  END IF;
  why := tally.name_problem(type, 100);
  IF why IS NOT NULL THEN RETURN 'type: ' || why; END IF;
  why := tally.name_problem(queue, 100);
  IF why IS NOT NULL THEN RETURN 'queue: ' || why; END IF;
  IF unique_key IS NOT NULL THEN
    why := tally.name_problem(unique_key, 255);
    IF why IS NOT NULL THEN RETURN 'unique key: ' || why; END IF;
  END IF;
  IF cardinality(tags) > 16 THEN RETURN format('tags: %s; at most 16', cardinality(tags)); END IF;
  IF array_ndims(tags) > 1 THEN RETURN 'tags: an array of one dimension is required'; END IF;
  FOR n IN 1 .. cardinality(tags) LOOP
    why := tally.name_problem(tags[array_lower(tags, 1) + n - 1], 100);
    IF why IS NOT NULL THEN RETURN 'tag: ' || why; END IF;
  END LOOP;
  IF trace <> '' THEN
    why := tally.name_problem(trace, 512);
    IF why IS NOT NULL THEN RETURN 'trace: ' || why; END IF;
  END IF;
  IF body_bytes > 1048576 THEN
    RETURN format('body: %s bytes; at most 1048576: store the data elsewhere and enqueue its address', body_bytes);
  END IF;
  IF timeout_us = 0 OR timeout_us > 604800000000 THEN
    RETURN format('timeout: %s µs is not within 1 µs and 7 days', timeout_us);
  END IF;
  IF max_attempts > 10000 THEN
    RETURN format('max attempts: %s is not within 0 and 10,000', max_attempts);
  END IF;
  IF run_at < timestamptz '1970-01-01 00:00:00+00' OR run_at > created_at + interval '87600 hours' THEN
    RETURN format(
      'run at: %s µs is not within 1970 and ten years after creation; seconds mistaken for milliseconds?',
      round(extract(epoch FROM run_at) * 1000000));
  END IF;
  IF headers > 32 THEN RETURN format('headers: %s; at most 32', headers); END IF;
  IF headers <> coalesce(cardinality(header_values), 0) OR array_ndims(header_names) > 1 OR array_ndims(header_values) > 1 THEN
    RETURN 'headers: as many values as names are required, each in an array of one dimension';
  END IF;
  FOR n IN 1 .. headers LOOP
    why := tally.name_problem(header_names[array_lower(header_names, 1) + n - 1], 100);
    IF why IS NOT NULL THEN RETURN 'header: ' || why; END IF;
    IF header_values[array_lower(header_values, 1) + n - 1] IS NULL THEN
      RETURN format('header %s: a value is required; leave the header out for none', header_names[array_lower(header_names, 1) + n - 1]);
    END IF;
    header_bytes := header_bytes + octet_length(header_names[array_lower(header_names, 1) + n - 1])
      + octet_length(header_values[array_lower(header_values, 1) + n - 1]);
  END LOOP;
  -- The program takes two ways to write one letter for one name.
  IF headers > 1 AND (SELECT count(DISTINCT normalize(h.name) COLLATE "C") FROM unnest(header_names) AS h (name)) < headers THEN
    RETURN 'headers: a name comes twice';
  END IF;
  IF header_bytes > 4096 THEN
    RETURN format('headers: %s bytes; at most 4096, names and values together', header_bytes);
  END IF;
  IF tenant IS NOT NULL THEN
    why := tally.name_problem(tenant, 100);
    IF why IS NOT NULL THEN RETURN 'tenant: ' || why; END IF;
  END IF;
  IF limit_key IS NOT NULL THEN
    why := tally.name_problem(limit_key, 100);
    IF why IS NOT NULL THEN RETURN 'limit key: ' || why; END IF;
  END IF;
  IF not_after <= greatest(created_at, run_at) OR not_after >= timestamptz '2191-10-27 12:26:40+00' THEN
    RETURN format('not after: %s µs is not within the later of creation and run at, and 2191',
      round(extract(epoch FROM not_after) * 1000000));
  END IF;
  IF priority NOT BETWEEN 0 AND 3 THEN RETURN format('priority: %s is not within 0 and 3', priority); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION tally.make_partitions(months integer DEFAULT 3) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '5s'
    AS $_$
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
END $_$;

CREATE FUNCTION tally.months_missing(ahead integer) RETURNS TABLE(name text, parent text, low uuid, high uuid)
    LANGUAGE sql STABLE
    AS $$
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

CREATE FUNCTION tally.name_problem(name text, most integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE hidden text;
BEGIN
  IF octet_length(name) > most THEN
    RETURN format('is %s bytes long; at most %s are allowed', octet_length(name), most);
  END IF;
  IF coalesce(name, '') = '' THEN RETURN 'is empty'; END IF;
  IF name COLLATE "C" !~ '[^!-~]' THEN RETURN NULL; END IF;
  hidden := substring(name COLLATE "C" FROM '[\u0001-\u001f\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe-\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001fffe-\U0001ffff\U0002fffe-\U0002ffff\U0003fffe-\U0003ffff\U0004fffe-\U0004ffff\U0005fffe-\U0005ffff\U0006fffe-\U0006ffff\U0007fffe-\U0007ffff\U0008fffe-\U0008ffff\U0009fffe-\U0009ffff\U000afffe-\U000affff\U000bfffe-\U000bffff\U000cfffe-\U000cffff\U000dfffe-\U000e00ff\U000e01f0-\U000e0fff\U000efffe-\U0010ffff]');
  IF hidden IS NOT NULL THEN
    RETURN format('holds the invisible character U+%s; leave it out',
      lpad(upper(to_hex(ascii(hidden))), greatest(4, length(to_hex(ascii(hidden)))), '0'));
  END IF;
  IF tally.is_blank(left(name, 1)) OR tally.is_blank(right(name, 1)) THEN
    RETURN 'begins or ends with white space; trim it';
  END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION tally.new_id(moment timestamp with time zone DEFAULT clock_timestamp()) RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    AS $$
  SELECT encode(set_byte(set_byte(
      overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM moment) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
      6, 112 | (get_byte(uuid_send(gen_random_uuid()), 6) & 15)),
      8, 128 | (get_byte(uuid_send(gen_random_uuid()), 8) & 63)), 'hex')::uuid
$$;

CREATE FUNCTION tally.partition_ranges(parent text) RETURNS TABLE(name text, low uuid, high uuid)
    LANGUAGE sql STABLE
    AS $$
  SELECT c.relname::text, (m.bounds)[1]::uuid, (m.bounds)[2]::uuid
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
  CROSS JOIN LATERAL regexp_match(
    pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([0-9a-f-]+)''\) TO \(''([0-9a-f-]+)''\)') AS m (bounds)
  WHERE i.inhparent = to_regclass(format('%I.%I', 'tally', parent)) AND m.bounds IS NOT NULL
$$;

CREATE FUNCTION tally.record_jobs(ids uuid[], types text[], queues text[], priorities bigint[], bodies bytea[], payloads text[], codecs text[], created bigint[], runs bigint[], timeouts bigint[], attempts bigint[], max_attempts bigint[], max_crashes bigint[], unique_keys text[], lifetimes bigint[], tags text[], traces text[], body_hashes bigint[], header_names text[], header_values text[], tenants text[], limit_keys text[], not_afters bigint[]) RETURNS TABLE(outbox bigint, job uuid)
    LANGUAGE plpgsql ROWS 500
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH input AS MATERIALIZED (
    SELECT i.id, i.type, i.queue, i.priority, i.body, i.payload, i.codec, i.timeout, i.attempts, i.max_attempts,
      i.max_crashes, i.unique_key, i.lifetime, i.tags, i.trace, i.body_hash, i.header_names, i.header_values, i.tenant,
      i.limit_key, i.not_after, timestamptz 'epoch' + i.created * interval '1 microsecond' AS created_at,
      CASE WHEN i.run >= 0 THEN timestamptz 'epoch' + i.run * interval '1 microsecond' END AS due
    FROM unnest(ids, types, queues, priorities, bodies, payloads, codecs, created, runs, timeouts, record_jobs.attempts,
      record_jobs.max_attempts, record_jobs.max_crashes, unique_keys, lifetimes, record_jobs.tags, traces, body_hashes,
      record_jobs.header_names, record_jobs.header_values, tenants, limit_keys, not_afters)
      AS i (id, type, queue, priority, body, payload, codec, created, run, timeout, attempts, max_attempts, max_crashes,
        unique_key, lifetime, tags, trace, body_hash, header_names, header_values, tenant, limit_key, not_after)
  ), present AS MATERIALIZED (
    -- Asked only for jobs with a key: a job that is there already must not take one.
    SELECT j.id FROM tally.jobs j WHERE j.id = ANY (ARRAY(SELECT i.id FROM input i WHERE i.unique_key <> ''))
  ), taken AS (
    INSERT INTO tally.unique_keys AS u (queue, key, job_id, until)
    SELECT i.queue, i.unique_key, i.id,
      CASE WHEN i.lifetime > 0 THEN clock_timestamp() + i.lifetime * interval '1 microsecond' ELSE 'infinity' END
    FROM input i
    WHERE i.unique_key <> '' AND i.id NOT IN (SELECT p.id FROM present p)
      -- Jobs of mode queued have the keys of these queues.
      AND NOT EXISTS (SELECT FROM tally.key_homes h WHERE h.queue = i.queue)
      -- Looked at before it is asked for: the conflict below would lock a taken key's row until the caller commits.
      AND NOT EXISTS (
        SELECT FROM tally.unique_keys k WHERE k.queue = i.queue AND k.key = i.unique_key AND k.until > clock_timestamp())
    ORDER BY i.queue, i.unique_key
    ON CONFLICT (queue, key) DO UPDATE SET job_id = EXCLUDED.job_id, until = EXCLUDED.until
      WHERE u.until <= clock_timestamp()
    RETURNING u.job_id
  ), new AS (
    INSERT INTO tally.jobs (
      id, type, payload, status, attempts, max_attempts, created_at, updated_at, scheduled_at, queue, priority,
      max_crashes, attempts_at_start, run_at, timeout_us, unique_key, unique_lifetime, body_hash, codec, trace, tags,
      body, header_names, header_values, tenant, limit_key, not_after)
    SELECT i.id, i.type,
      CASE WHEN i.payload = '' THEN convert_from(i.body, 'UTF8')::jsonb ELSE i.payload::jsonb END,
      CASE WHEN i.due > statement_timestamp() THEN 'scheduled' ELSE 'pending' END,
      i.attempts, i.max_attempts, i.created_at, now(), coalesce(i.due, i.created_at), i.queue, i.priority,
      i.max_crashes, i.attempts, CASE WHEN i.due > statement_timestamp() THEN i.due END, nullif(i.timeout, 0),
      nullif(i.unique_key, ''), CASE WHEN i.unique_key <> '' THEN i.lifetime END, i.body_hash, i.codec, i.trace,
      coalesce(string_to_array(nullif(i.tags, ''), chr(31)), '{}'), i.body,
      string_to_array(nullif(i.header_names, ''), chr(31)),
      string_to_array(nullif(i.header_values, ''), ',')::bytea[], nullif(i.tenant, ''), nullif(i.limit_key, ''),
      CASE WHEN i.not_after > 0 THEN timestamptz 'epoch' + i.not_after * interval '1 microsecond' END
    FROM input i
    WHERE i.unique_key = '' OR i.id IN (SELECT t.job_id FROM taken t)
    ORDER BY i.id
    ON CONFLICT (id) DO NOTHING
    RETURNING id, queue
  ), sent AS (
    -- One row a queue: the relay goes from queue to queue.
    INSERT INTO tally.outbox (kind, ids, first_id, last_id, queue)
    SELECT 'enqueue', n.ids, n.ids[1], n.ids[cardinality(n.ids)], n.queue
    FROM (SELECT array_agg(new.id ORDER BY new.id) AS ids, new.queue FROM new GROUP BY new.queue) n
    RETURNING id, queue
  )
  SELECT sent.id, new.id FROM new JOIN sent USING (queue);
END $$;

COMMENT ON FUNCTION tally.record_jobs(ids uuid[], types text[], queues text[], priorities bigint[], bodies bytea[], payloads text[], codecs text[], created bigint[], runs bigint[], timeouts bigint[], attempts bigint[], max_attempts bigint[], max_crashes bigint[], unique_keys text[], lifetimes bigint[], tags text[], traces text[], body_hashes bigint[], header_names text[], header_values text[], tenants text[], limit_keys text[], not_afters bigint[]) IS 'What the library''s recorded enqueue commits. SQL calls tally.enqueue.';

CREATE FUNCTION tally.split_abandon(parent text) RETURNS void
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
BEGIN
  EXECUTE format('ALTER TABLE tally.%I DROP CONSTRAINT IF EXISTS %I', parent || '_default', parent || '_split');
END $$;

CREATE FUNCTION tally.split_guard(parent text) RETURNS text
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
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

CREATE FUNCTION tally.split_range(parent text, OUT name text, OUT low uuid, OUT high uuid) RETURNS SETOF record
    LANGUAGE plpgsql STABLE
    AS $$
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

CREATE FUNCTION tally.split_swap(parent text) RETURNS void
    LANGUAGE plpgsql
    SET lock_timeout TO '2s'
    AS $$
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

CREATE FUNCTION tally.split_validate(parent text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  EXECUTE format('ALTER TABLE tally.%I VALIDATE CONSTRAINT %I', parent || '_default', parent || '_split');
END $$;

CREATE FUNCTION tally.trimmed(name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  SELECT substring(name COLLATE "C" FROM '^[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*(.*[^\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])')
$$;

CREATE TABLE tally.attempt_lines (
    job_id uuid NOT NULL,
    epoch bigint NOT NULL,
    version integer NOT NULL,
    number integer NOT NULL,
    at timestamp with time zone NOT NULL,
    line text NOT NULL
);

COMMENT ON TABLE tally.attempt_lines IS 'What handlers log, an attempt a lease.';

CREATE TABLE tally.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb
);

COMMENT ON TABLE tally.audit_log IS 'What operators asked for.';

ALTER TABLE tally.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tally.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tally.balances (
    one boolean DEFAULT true NOT NULL,
    accepted bigint DEFAULT 0 NOT NULL,
    completed bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    cancelled bigint DEFAULT 0 NOT NULL,
    purged bigint DEFAULT 0 NOT NULL,
    archived bigint DEFAULT 0 NOT NULL,
    CONSTRAINT balances_not_negative CHECK (((accepted >= 0) AND (completed >= 0) AND (failed >= 0) AND (cancelled >= 0) AND (purged >= 0) AND (archived >= 0))),
    CONSTRAINT balances_one_row CHECK (one)
)
WITH (fillfactor='10');

CREATE TABLE tally.duties (
    name text NOT NULL,
    silence interval NOT NULL,
    last_success timestamp with time zone,
    last_error text DEFAULT ''::text NOT NULL,
    holder text NOT NULL,
    first_seen timestamp with time zone DEFAULT now() NOT NULL,
    reported_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT duties_names CHECK ((name <> ''::text))
)
WITH (fillfactor='10');

COMMENT ON TABLE tally.duties IS 'How the duties of tally serve fare, whichever process runs them.';

CREATE TABLE tally.duty_leases (
    name text NOT NULL,
    token uuid NOT NULL,
    holder text NOT NULL,
    until timestamp with time zone NOT NULL,
    wanted_until timestamp with time zone
);

COMMENT ON TABLE tally.duty_leases IS 'Who may do alone what only one process may do at a time.';

CREATE TABLE tally.held_changes (
    job_id uuid NOT NULL,
    epoch bigint NOT NULL,
    version integer NOT NULL,
    seq bigint NOT NULL,
    status text NOT NULL,
    at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    run_at timestamp with time zone,
    worker_id text,
    attempts integer,
    crashes integer,
    error text,
    result_body bytea,
    priority integer
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE tally.held_changes IS 'What the mirror has for jobs whose rows somebody''s transaction holds.';

CREATE TABLE tally.identity (
    one boolean DEFAULT true NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    namespace text,
    record_layout bigint DEFAULT 1 NOT NULL,
    shards smallint,
    CONSTRAINT identity_one_row CHECK (one),
    CONSTRAINT identity_record_layout CHECK (((record_layout >= 1) AND (record_layout <= 2))),
    CONSTRAINT identity_shards_count CHECK (((shards >= 1) AND (shards <= 64)))
);

COMMENT ON TABLE tally.identity IS 'Which ledger this is.';

CREATE TABLE tally.job_effects (
    job_id uuid NOT NULL,
    token text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    result bytea
);

COMMENT ON TABLE tally.job_effects IS 'Written by handlers in the transaction of their effect: present means done.';

CREATE TABLE tally.job_events (
    job_id uuid NOT NULL,
    shard smallint NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    from_status text,
    status text NOT NULL,
    version integer NOT NULL,
    attempts integer,
    actor text,
    error text,
    CONSTRAINT job_events_time_finite CHECK (isfinite(at)),
    CONSTRAINT job_events_version CHECK ((version >= 0))
)
PARTITION BY RANGE (job_id);

COMMENT ON TABLE tally.job_events IS 'Every transition, once, in order per job.';

CREATE TABLE tally.job_events_default (
    job_id uuid NOT NULL,
    shard smallint NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    from_status text,
    status text NOT NULL,
    version integer NOT NULL,
    attempts integer,
    actor text,
    error text,
    CONSTRAINT job_events_time_finite CHECK (isfinite(at)),
    CONSTRAINT job_events_version CHECK ((version >= 0))
);

CREATE TABLE tally.jobs (
    id uuid NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    status text NOT NULL,
    result jsonb,
    error text,
    attempts integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 3 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    worker_id text,
    queue text DEFAULT 'default'::text NOT NULL,
    priority smallint DEFAULT 2 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    floor integer DEFAULT 1 NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    crashes integer DEFAULT 0 NOT NULL,
    max_crashes integer DEFAULT 3 NOT NULL,
    attempts_at_start integer DEFAULT 0 NOT NULL,
    run_at timestamp with time zone,
    failed_at timestamp with time zone,
    timeout_us bigint,
    unique_key text,
    unique_lifetime bigint,
    body_hash bigint NOT NULL,
    codec text DEFAULT 'json'::text NOT NULL,
    trace text DEFAULT ''::text NOT NULL,
    previous_status text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    body bytea,
    result_body bytea,
    header_names text[],
    header_values bytea[],
    tenant text,
    limit_key text,
    not_after timestamp with time zone,
    CONSTRAINT jobs_body_kept CHECK (((body IS NOT NULL) OR (status = ANY (ARRAY['completed'::text, 'cancelled'::text])))),
    CONSTRAINT jobs_counters CHECK (((version >= 1) AND (floor >= 1) AND (version >= floor) AND (epoch >= 0) AND (seq >= 0) AND (attempts >= 0) AND (attempts_at_start >= 0) AND (crashes >= 0) AND (max_attempts >= 0) AND ((max_crashes >= 1) AND (max_crashes <= 255)))),
    CONSTRAINT jobs_ended_has_time CHECK (((status = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text])) = (completed_at IS NOT NULL))),
    CONSTRAINT jobs_failed_has_time CHECK (((status <> 'failed'::text) OR (failed_at IS NOT NULL))),
    CONSTRAINT jobs_lease_has_worker CHECK (((status <> 'processing'::text) OR ((started_at IS NOT NULL) AND (worker_id IS NOT NULL)))),
    CONSTRAINT jobs_names CHECK (((type <> ''::text) AND (queue <> ''::text) AND (codec <> ''::text) AND ((priority >= 0) AND (priority <= 3)) AND (id <> '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT jobs_status_known CHECK ((status = ANY (ARRAY['scheduled'::text, 'pending'::text, 'processing'::text, 'retrying'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT jobs_timeout CHECK (((timeout_us IS NULL) OR (timeout_us > 0))),
    CONSTRAINT jobs_times_finite CHECK ((isfinite(created_at) AND isfinite(updated_at) AND isfinite(scheduled_at) AND ((started_at IS NULL) OR isfinite(started_at)) AND ((completed_at IS NULL) OR isfinite(completed_at)) AND ((run_at IS NULL) OR isfinite(run_at)) AND ((failed_at IS NULL) OR isfinite(failed_at)))),
    CONSTRAINT jobs_unique_whole CHECK ((((unique_key IS NULL) = (unique_lifetime IS NULL)) AND ((unique_lifetime IS NULL) OR (unique_lifetime > 0) OR (unique_lifetime = ANY (ARRAY[('-1'::integer)::bigint, ('-2'::integer)::bigint]))))),
    CONSTRAINT jobs_waiting_has_time CHECK (((status = ANY (ARRAY['scheduled'::text, 'retrying'::text])) = (run_at IS NOT NULL)))
)
PARTITION BY RANGE (id);

COMMENT ON TABLE tally.jobs IS 'Every job in its last state. Redis leads while a job is active, this row once it has ended.';

CREATE TABLE tally.jobs_default (
    id uuid NOT NULL,
    type text NOT NULL,
    payload jsonb NOT NULL,
    status text NOT NULL,
    result jsonb,
    error text,
    attempts integer DEFAULT 0 NOT NULL,
    max_attempts integer DEFAULT 3 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    worker_id text,
    queue text DEFAULT 'default'::text NOT NULL,
    priority smallint DEFAULT 2 NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    floor integer DEFAULT 1 NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    crashes integer DEFAULT 0 NOT NULL,
    max_crashes integer DEFAULT 3 NOT NULL,
    attempts_at_start integer DEFAULT 0 NOT NULL,
    run_at timestamp with time zone,
    failed_at timestamp with time zone,
    timeout_us bigint,
    unique_key text,
    unique_lifetime bigint,
    body_hash bigint NOT NULL,
    codec text DEFAULT 'json'::text NOT NULL,
    trace text DEFAULT ''::text NOT NULL,
    previous_status text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    body bytea,
    result_body bytea,
    header_names text[],
    header_values bytea[],
    tenant text,
    limit_key text,
    not_after timestamp with time zone,
    CONSTRAINT jobs_body_kept CHECK (((body IS NOT NULL) OR (status = ANY (ARRAY['completed'::text, 'cancelled'::text])))),
    CONSTRAINT jobs_counters CHECK (((version >= 1) AND (floor >= 1) AND (version >= floor) AND (epoch >= 0) AND (seq >= 0) AND (attempts >= 0) AND (attempts_at_start >= 0) AND (crashes >= 0) AND (max_attempts >= 0) AND ((max_crashes >= 1) AND (max_crashes <= 255)))),
    CONSTRAINT jobs_ended_has_time CHECK (((status = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text])) = (completed_at IS NOT NULL))),
    CONSTRAINT jobs_failed_has_time CHECK (((status <> 'failed'::text) OR (failed_at IS NOT NULL))),
    CONSTRAINT jobs_lease_has_worker CHECK (((status <> 'processing'::text) OR ((started_at IS NOT NULL) AND (worker_id IS NOT NULL)))),
    CONSTRAINT jobs_names CHECK (((type <> ''::text) AND (queue <> ''::text) AND (codec <> ''::text) AND ((priority >= 0) AND (priority <= 3)) AND (id <> '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT jobs_status_known CHECK ((status = ANY (ARRAY['scheduled'::text, 'pending'::text, 'processing'::text, 'retrying'::text, 'completed'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT jobs_timeout CHECK (((timeout_us IS NULL) OR (timeout_us > 0))),
    CONSTRAINT jobs_times_finite CHECK ((isfinite(created_at) AND isfinite(updated_at) AND isfinite(scheduled_at) AND ((started_at IS NULL) OR isfinite(started_at)) AND ((completed_at IS NULL) OR isfinite(completed_at)) AND ((run_at IS NULL) OR isfinite(run_at)) AND ((failed_at IS NULL) OR isfinite(failed_at)))),
    CONSTRAINT jobs_unique_whole CHECK ((((unique_key IS NULL) = (unique_lifetime IS NULL)) AND ((unique_lifetime IS NULL) OR (unique_lifetime > 0) OR (unique_lifetime = ANY (ARRAY[('-1'::integer)::bigint, ('-2'::integer)::bigint]))))),
    CONSTRAINT jobs_waiting_has_time CHECK (((status = ANY (ARRAY['scheduled'::text, 'retrying'::text])) = (run_at IS NOT NULL)))
)
WITH (fillfactor='60');

CREATE TABLE tally.key_homes (
    queue text NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE tally.key_homes IS 'Queues whose unique keys Redis keeps, for jobs of mode queued.';

CREATE TABLE tally.keys_to_free (
    queue text NOT NULL,
    key text NOT NULL,
    job_id uuid NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE tally.keys_to_free IS 'Keys of jobs that have ended, which somebody''s transaction held just then.';

CREATE TABLE tally.mirror_cursor (
    shard smallint NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE tally.outbox (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    kind text NOT NULL,
    ids uuid[] NOT NULL,
    versions integer[] DEFAULT '{}'::integer[] NOT NULL,
    run_at timestamp with time zone,
    first_id uuid NOT NULL,
    last_id uuid NOT NULL,
    queue text DEFAULT ' '::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT outbox_ids_whole CHECK (((cardinality(ids) > 0) AND ((cardinality(versions) = 0) OR (cardinality(versions) = cardinality(ids))))),
    CONSTRAINT outbox_kind_known CHECK ((kind = ANY (ARRAY['enqueue'::text, 'requeue'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='500');

COMMENT ON TABLE tally.outbox IS 'Jobs that the ledger has and the queue may not have yet.';

ALTER TABLE tally.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tally.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tally.quarantine (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    job_id uuid NOT NULL,
    shard smallint DEFAULT 0 NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    raw bytea NOT NULL
);

COMMENT ON TABLE tally.quarantine IS 'What the mirror could not apply. The rest of its batch was applied.';

ALTER TABLE tally.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tally.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tally.queues (
    id text NOT NULL,
    epoch bigint NOT NULL,
    server text NOT NULL,
    places text[] NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    gave_way_to bigint,
    shard smallint DEFAULT 0 NOT NULL
)
WITH (fillfactor='10');

COMMENT ON TABLE tally.queues IS 'Which queues are this ledger''s, one a shard, and which were.';

CREATE TABLE tally.reconcile_cursor (
    one boolean DEFAULT true NOT NULL,
    stage text NOT NULL,
    "position" text NOT NULL,
    moved_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT reconcile_cursor_one_row CHECK (one),
    CONSTRAINT reconcile_cursor_stage_known CHECK ((stage = ANY (ARRAY['ledger'::text, 'queue'::text])))
)
WITH (fillfactor='10');

COMMENT ON TABLE tally.reconcile_cursor IS 'How far the continuous reconciler has come in its round.';

CREATE TABLE tally.reconcile_findings (
    run_id uuid NOT NULL,
    number integer NOT NULL,
    code text NOT NULL,
    job_id uuid,
    queue_view text NOT NULL,
    ledger_view text NOT NULL,
    outcome text NOT NULL,
    severity text DEFAULT ''::text NOT NULL,
    queue text DEFAULT ''::text NOT NULL,
    detail text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    first_seen timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE tally.reconcile_runs (
    id uuid NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    mode text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    scanned_queue bigint NOT NULL,
    scanned_ledger bigint NOT NULL,
    inconclusive bigint NOT NULL,
    exit_code integer NOT NULL,
    actor text DEFAULT ''::text NOT NULL,
    host text DEFAULT ''::text NOT NULL,
    version text DEFAULT ''::text NOT NULL,
    end_seq bigint DEFAULT 0 NOT NULL,
    found bigint DEFAULT 0 NOT NULL,
    repaired bigint DEFAULT 0 NOT NULL,
    raced bigint DEFAULT 0 NOT NULL,
    left_over bigint DEFAULT 0 NOT NULL,
    full_cycle boolean DEFAULT false NOT NULL,
    error text,
    shard smallint DEFAULT 0 NOT NULL
);

CREATE TABLE tally.reconciler_lease (
    one boolean DEFAULT true NOT NULL,
    token uuid NOT NULL,
    holder text NOT NULL,
    until timestamp with time zone NOT NULL,
    wanted_until timestamp with time zone,
    CONSTRAINT reconciler_lease_one_row CHECK (one)
);

COMMENT ON TABLE tally.reconciler_lease IS 'Who may repair, until when: never two at once.';

CREATE TABLE tally.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    breaking boolean NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE tally.unique_keys (
    queue text NOT NULL,
    key text NOT NULL,
    job_id uuid NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE tally.workers (
    id text NOT NULL,
    status text NOT NULL,
    last_seen timestamp with time zone NOT NULL,
    job_types jsonb NOT NULL,
    current_job text,
    metadata jsonb,
    queues jsonb DEFAULT '[]'::jsonb NOT NULL,
    running uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    concurrency integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    host text DEFAULT ''::text NOT NULL,
    pid integer DEFAULT 0 NOT NULL,
    CONSTRAINT workers_status_known CHECK ((status = ANY (ARRAY['running'::text, 'draining'::text, 'stopped'::text, 'lost'::text]))),
    CONSTRAINT workers_times_finite CHECK ((isfinite(last_seen) AND isfinite(started_at))),
    CONSTRAINT workers_types_list CHECK (((jsonb_typeof(job_types) = 'array'::text) AND (jsonb_typeof(queues) = 'array'::text)))
);

ALTER TABLE ONLY tally.job_events ATTACH PARTITION tally.job_events_default DEFAULT;

ALTER TABLE ONLY tally.jobs ATTACH PARTITION tally.jobs_default DEFAULT;

ALTER TABLE ONLY tally.attempt_lines
    ADD CONSTRAINT attempt_lines_pkey PRIMARY KEY (job_id, epoch, version, number);

ALTER TABLE ONLY tally.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tally.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tally.duties
    ADD CONSTRAINT duties_pkey PRIMARY KEY (name);

ALTER TABLE ONLY tally.duty_leases
    ADD CONSTRAINT duty_leases_pkey PRIMARY KEY (name);

ALTER TABLE ONLY tally.held_changes
    ADD CONSTRAINT held_changes_pkey PRIMARY KEY (job_id, epoch, seq);

ALTER TABLE ONLY tally.identity
    ADD CONSTRAINT identity_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tally.job_effects
    ADD CONSTRAINT job_effects_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY tally.job_events
    ADD CONSTRAINT job_events_pkey PRIMARY KEY (job_id, shard, epoch, seq);

ALTER TABLE ONLY tally.job_events_default
    ADD CONSTRAINT job_events_default_pkey PRIMARY KEY (job_id, shard, epoch, seq);

ALTER TABLE ONLY tally.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tally.jobs_default
    ADD CONSTRAINT jobs_default_pkey PRIMARY KEY (id);

ALTER TABLE tally.jobs
    ADD CONSTRAINT jobs_fields_bounded CHECK (((completed_at IS NOT NULL) OR (((tenant IS NULL) OR ((octet_length(tenant) >= 1) AND (octet_length(tenant) <= 100))) AND ((limit_key IS NULL) OR ((octet_length(limit_key) >= 1) AND (octet_length(limit_key) <= 100))) AND ((not_after IS NULL) OR ((not_after > GREATEST(created_at, scheduled_at)) AND (not_after < '2191-10-27 12:26:40+00'::timestamp with time zone))) AND
CASE
    WHEN ((header_names IS NULL) AND (header_values IS NULL)) THEN true
    ELSE COALESCE(((array_ndims(header_names) = 1) AND (array_ndims(header_values) = 1) AND (cardinality(header_names) <= 32) AND (cardinality(header_names) = cardinality(header_values)) AND (array_position(header_names, NULL::text) IS NULL) AND (array_position(header_names, ''::text) IS NULL) AND (array_position(header_values, NULL::bytea) IS NULL)), false)
END))) NOT VALID;

ALTER TABLE tally.jobs
    ADD CONSTRAINT jobs_numbers_bounded CHECK (((completed_at IS NOT NULL) OR (((timeout_us IS NULL) OR (timeout_us <= '604800000000'::bigint)) AND (max_attempts <= 10000) AND (attempts_at_start <= 10000) AND ((max_attempts = 0) OR (attempts_at_start <= max_attempts)) AND ((unique_lifetime IS NULL) OR (unique_lifetime <= '315360000000000'::bigint)) AND ((body IS NULL) OR (octet_length(body) <= 1048576)) AND (created_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (created_at < '2191-10-27 12:26:40+00'::timestamp with time zone) AND (scheduled_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND
CASE
    WHEN (isfinite(scheduled_at) AND isfinite(created_at)) THEN ((scheduled_at - created_at) <= '87600:00:00'::interval)
    ELSE false
END))) NOT VALID;

ALTER TABLE tally.jobs
    ADD CONSTRAINT jobs_tags_bounded CHECK (((completed_at IS NOT NULL) OR (tags = '{}'::text[]) OR ((array_ndims(tags) = 1) AND (cardinality(tags) <= 16) AND (array_position(tags, NULL::text) IS NULL) AND (array_position(tags, ''::text) IS NULL)))) NOT VALID;

ALTER TABLE tally.jobs
    ADD CONSTRAINT jobs_texts_bounded CHECK (((completed_at IS NOT NULL) OR ((octet_length(type) <= 100) AND (octet_length(queue) <= 100) AND (octet_length(codec) <= 50) AND (octet_length(trace) <= 512) AND ((unique_key IS NULL) OR ((octet_length(unique_key) >= 1) AND (octet_length(unique_key) <= 255)))))) NOT VALID;

ALTER TABLE ONLY tally.key_homes
    ADD CONSTRAINT key_homes_pkey PRIMARY KEY (queue);

ALTER TABLE ONLY tally.keys_to_free
    ADD CONSTRAINT keys_to_free_pkey PRIMARY KEY (queue, key, job_id);

ALTER TABLE ONLY tally.mirror_cursor
    ADD CONSTRAINT mirror_cursor_pkey PRIMARY KEY (shard);

ALTER TABLE ONLY tally.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tally.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tally.queues
    ADD CONSTRAINT queues_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tally.reconcile_cursor
    ADD CONSTRAINT reconcile_cursor_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tally.reconcile_findings
    ADD CONSTRAINT reconcile_findings_pkey PRIMARY KEY (run_id, number);

ALTER TABLE ONLY tally.reconcile_runs
    ADD CONSTRAINT reconcile_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tally.reconciler_lease
    ADD CONSTRAINT reconciler_lease_pkey PRIMARY KEY (one);

ALTER TABLE ONLY tally.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY tally.unique_keys
    ADD CONSTRAINT unique_keys_pkey PRIMARY KEY (queue, key);

ALTER TABLE ONLY tally.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

CREATE INDEX audit_log_replayed_as ON tally.audit_log USING btree (((detail ->> 'as'::text))) WHERE (action = 'replay'::text);

COMMENT ON INDEX tally.audit_log_replayed_as IS 'replay/lineage.sql';

CREATE INDEX audit_log_replays ON tally.audit_log USING btree (subject) WHERE (action = 'replay'::text);

COMMENT ON INDEX tally.audit_log_replays IS 'replay/replayed.sql, replay/matching.sql, replay/lineage.sql';

CREATE INDEX audit_log_settled ON tally.audit_log USING btree (subject) WHERE (action = 'settle quarantine'::text);

COMMENT ON INDEX tally.audit_log_settled IS 'reconcile/unknown_events.sql';

CREATE INDEX job_events_order ON ONLY tally.job_events USING brin (epoch, seq, at) WITH (pages_per_range='32');

COMMENT ON INDEX tally.job_events_order IS 'reconcile/window.sql';

CREATE INDEX job_events_default_epoch_seq_at_idx ON tally.job_events_default USING brin (epoch, seq, at) WITH (pages_per_range='32');

CREATE INDEX jobs_active ON ONLY tally.jobs USING btree (id) WHERE (completed_at IS NULL);

COMMENT ON INDEX tally.jobs_active IS 'read/active.sql, read/balances.sql, list by a non-terminal status';

CREATE INDEX jobs_failed ON ONLY tally.jobs USING btree (id) WHERE (failed_at IS NOT NULL);

COMMENT ON INDEX tally.jobs_failed IS 'list by status failed: the dead-letter set';

CREATE INDEX jobs_names ON ONLY tally.jobs USING brin (type text_bloom_ops, queue text_bloom_ops) WITH (autosummarize='on');

COMMENT ON INDEX tally.jobs_names IS 'list by type, list by queue';

CREATE INDEX jobs_default_id_idx ON tally.jobs_default USING btree (id) WHERE (completed_at IS NULL);

CREATE INDEX jobs_default_id_idx1 ON tally.jobs_default USING btree (id) WHERE (failed_at IS NOT NULL);

CREATE INDEX jobs_default_type_queue_idx ON tally.jobs_default USING brin (type text_bloom_ops, queue text_bloom_ops) WITH (autosummarize='on');

CREATE INDEX outbox_queue ON tally.outbox USING btree (queue, id);

COMMENT ON INDEX tally.outbox_queue IS 'relay/queues.sql, relay/claim.sql';

CREATE UNIQUE INDEX queues_one ON tally.queues USING btree (shard) WHERE (gave_way_to IS NULL);

COMMENT ON INDEX tally.queues_one IS 'A ledger has one queue a shard.';

CREATE INDEX reconcile_findings_job ON tally.reconcile_findings USING btree (job_id, code) WHERE (job_id IS NOT NULL);

COMMENT ON INDEX tally.reconcile_findings_job IS 'reconcile/record_run.sql: when a finding was first seen';

CREATE INDEX reconcile_runs_full ON tally.reconcile_runs USING btree (finished_at) WHERE full_cycle;

COMMENT ON INDEX tally.reconcile_runs_full IS 'reconcile/last_full.sql';

CREATE INDEX unique_keys_until ON tally.unique_keys USING btree (until) WHERE (until < 'infinity'::timestamp with time zone);

COMMENT ON INDEX tally.unique_keys_until IS 'keys/prune.sql';

ALTER INDEX tally.job_events_order ATTACH PARTITION tally.job_events_default_epoch_seq_at_idx;

ALTER INDEX tally.job_events_pkey ATTACH PARTITION tally.job_events_default_pkey;

ALTER INDEX tally.jobs_active ATTACH PARTITION tally.jobs_default_id_idx;

ALTER INDEX tally.jobs_failed ATTACH PARTITION tally.jobs_default_id_idx1;

ALTER INDEX tally.jobs_pkey ATTACH PARTITION tally.jobs_default_pkey;

ALTER INDEX tally.jobs_names ATTACH PARTITION tally.jobs_default_type_queue_idx;

ALTER TABLE ONLY tally.reconcile_findings
    ADD CONSTRAINT reconcile_findings_run_id_fkey FOREIGN KEY (run_id) REFERENCES tally.reconcile_runs(id) ON DELETE CASCADE;
