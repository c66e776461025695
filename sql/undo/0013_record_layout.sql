-- Undoes migrations/0013_record_layout.sql. Headers, tenants, limit keys and not-after are LOST in the ledger, and a job that
-- is rebuilt from it comes without them. Where record layout 2 was raised, Redis refuses programs that are older all the same.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
SELECT set_config('tallystick.callers', coalesce(string_agg(
  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
    || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END, E'\n'), ''), true)
FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
WHERE p.pronamespace = 'tally'::regnamespace AND p.proname = 'enqueue' AND a.grantee <> p.proowner;
DROP FUNCTION tally.enqueue, tally.job_problem;
CREATE FUNCTION tally.job_problem(
  type text, queue text, priority integer, body_bytes bigint, run_at timestamptz, created_at timestamptz,
  max_attempts integer, timeout interval, unique_key text, tags text[], trace text
) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
  timeout_us numeric := round(extract(epoch FROM timeout) * 1000000);
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
  IF priority NOT BETWEEN 0 AND 3 THEN RETURN format('priority: %s is not within 0 and 3', priority); END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION tally.job_problem FROM PUBLIC;
CREATE FUNCTION tally.enqueue(
  type text, payload jsonb, queue text DEFAULT 'default', priority integer DEFAULT 2,
  run_at timestamptz DEFAULT NULL, max_attempts integer DEFAULT 3, timeout interval DEFAULT NULL,
  unique_key text DEFAULT NULL, tags text[] DEFAULT '{}', trace text DEFAULT '', id uuid DEFAULT NULL
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
    coalesce(enqueue.max_attempts, 3), enqueue.timeout, key, coalesce(enqueue.tags, '{}'), coalesce(enqueue.trace, ''));
  IF why IS NOT NULL THEN RAISE EXCEPTION '%', why USING ERRCODE = '22023'; END IF;
  IF enqueue.id IS NOT NULL AND (substr(job::text, 15, 1) <> '7' OR substr(job::text, 20, 1) NOT IN ('8', '9', 'a', 'b')
    OR abs(('x' || substr(replace(job::text, '-', ''), 1, 12))::bit(48)::bigint - extract(epoch FROM made) * 1000)
      > 86400000) THEN
    RAISE EXCEPTION 'id: % is not within UUIDv7 made within a day of now, by the store''s clock; use a unique key for other names', job
      USING ERRCODE = '22023';
  END IF;
  IF EXISTS (SELECT FROM tally.jobs j WHERE j.id = job) THEN RETURN job; END IF;
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
    timeout_us, unique_key, unique_lifetime, body_hash, tags, trace, body)
  VALUES (
    job, enqueue.type, enqueue.payload, CASE WHEN due > made THEN 'scheduled' ELSE 'pending' END,
    coalesce(enqueue.max_attempts, 3), made, made, coalesce(due, made), enqueue.queue,
    coalesce(enqueue.priority, 2), CASE WHEN due > made THEN due END,
    (extract(epoch FROM enqueue.timeout) * 1000000)::bigint, key, CASE WHEN key IS NOT NULL THEN -1 END,
    0, coalesce(enqueue.tags, '{}'), coalesce(enqueue.trace, ''), body);
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
ALTER TABLE tally.identity DROP COLUMN record_layout;
ALTER TABLE tally.jobs DROP CONSTRAINT jobs_fields_bounded;
ALTER TABLE tally.jobs DROP COLUMN header_names, DROP COLUMN header_values, DROP COLUMN tenant, DROP COLUMN limit_key,
  DROP COLUMN not_after;
DELETE FROM tally.schema_migrations WHERE version = 13;
