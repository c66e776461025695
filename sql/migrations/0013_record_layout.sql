-- Record layout 2: headers, tenant, limit key and not-after of a job. `identity` says whether they may be recorded yet: only
-- once every program that uses the queue reads them (`tally migrate --record-layout 2`).
--
-- Headers lie in two arrays, name beside value: a value is any bytes, which jsonb cannot hold, and in SQL a header is one
-- subscript away: header_values[array_position(header_names, 'x')].
--
-- Locks: a moment's ACCESS EXCLUSIVE on jobs with its partitions and on identity. The columns are null and the checks NOT VALID:
--        no row is read or written. Safe on a live system. Older programs go on; their calls of `tally.enqueue` are good.
-- Undo:  undo/0013_record_layout.sql

ALTER TABLE tally.jobs ADD COLUMN header_names text[], ADD COLUMN header_values bytea[], ADD COLUMN tenant text,
  ADD COLUMN limit_key text, ADD COLUMN not_after timestamptz;
-- As those of migration 10: a job that has ended may break them.
ALTER TABLE tally.jobs ADD CONSTRAINT jobs_fields_bounded CHECK (completed_at IS NOT NULL OR (
    (tenant IS NULL OR octet_length(tenant) BETWEEN 1 AND 100)
    AND (limit_key IS NULL OR octet_length(limit_key) BETWEEN 1 AND 100)
    AND (not_after IS NULL OR not_after > greatest(created_at, scheduled_at)
      AND not_after < timestamptz '2191-10-27 12:26:40+00')
    AND CASE WHEN header_names IS NULL AND header_values IS NULL THEN true
      ELSE coalesce(array_ndims(header_names) = 1 AND array_ndims(header_values) = 1
        AND cardinality(header_names) <= 32 AND cardinality(header_names) = cardinality(header_values)
        AND array_position(header_names, NULL) IS NULL AND array_position(header_names, '') IS NULL
        AND array_position(header_values, NULL) IS NULL, false) END)) NOT VALID;

ALTER TABLE tally.identity ADD COLUMN record_layout bigint NOT NULL DEFAULT 1
  CONSTRAINT identity_record_layout CHECK (record_layout BETWEEN 1 AND 2);

-- Both functions get arguments, so they are made anew; who could call `enqueue` still can.
SELECT set_config('tallystick.callers', coalesce(string_agg(
  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, E'\n'), ''), true)
FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
WHERE p.pronamespace = 'tally'::regnamespace AND p.proname = 'enqueue' AND a.grantee <> p.proowner;
DROP FUNCTION tally.enqueue, tally.job_problem;

-- Why no queue can take such a job; null if one can. The order and the words are those of `JobRules`.
CREATE FUNCTION tally.job_problem(
  type text, queue text, priority integer, body_bytes bigint, run_at timestamptz, created_at timestamptz,
  max_attempts integer, timeout interval, unique_key text, tags text[], trace text,
  header_names text[], header_values bytea[], tenant text, limit_key text, not_after timestamptz
) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
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
REVOKE ALL ON FUNCTION tally.job_problem FROM PUBLIC;

-- As in migration 12, with the four. What is not given is as before, so a call in the old form is the same call.
CREATE FUNCTION tally.enqueue(
  type text, payload jsonb, queue text DEFAULT 'default', priority integer DEFAULT 2,
  run_at timestamptz DEFAULT NULL, max_attempts integer DEFAULT 3, timeout interval DEFAULT NULL,
  unique_key text DEFAULT NULL, tags text[] DEFAULT '{}', trace text DEFAULT '', id uuid DEFAULT NULL,
  header_names text[] DEFAULT NULL, header_values bytea[] DEFAULT NULL, tenant text DEFAULT NULL,
  limit_key text DEFAULT NULL, not_after timestamptz DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
REVOKE ALL ON FUNCTION tally.enqueue FROM PUBLIC;
DO $$
DECLARE caller text;
BEGIN
  FOREACH caller IN ARRAY string_to_array(current_setting('tallystick.callers'), E'\n') LOOP
    EXECUTE 'GRANT EXECUTE ON FUNCTION tally.enqueue TO ' || caller;
  END LOOP;
END $$;
