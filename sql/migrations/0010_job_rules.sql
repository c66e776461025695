-- The rules of a job in SQL as they are in the program (Sources/TallyCore/Job/JobRules.swift): what a queue refuses is
-- refused where it enters. And an outbox row names its queue, so that the relay goes from queue to queue.
--
-- Locks: a moment's ACCESS EXCLUSIVE on jobs with its partitions and on outbox; SHARE on outbox while its index is
--        built, which is short unless jobs have piled up there. The checks are NOT VALID: no row is read, old ones stay.
-- Undo:  undo/0010_job_rules.sql

-- A job that has ended may break them: it came before the rule, and was set aside because of it.
ALTER TABLE tally.jobs
  ADD CONSTRAINT jobs_texts_bounded CHECK (completed_at IS NOT NULL OR (
    octet_length(type) <= 100 AND octet_length(queue) <= 100 AND octet_length(codec) <= 50 AND octet_length(trace) <= 512
    AND (unique_key IS NULL OR octet_length(unique_key) BETWEEN 1 AND 255))) NOT VALID,
  ADD CONSTRAINT jobs_tags_bounded CHECK (completed_at IS NOT NULL OR tags = '{}' OR (
    array_ndims(tags) = 1 AND cardinality(tags) <= 16 AND array_position(tags, NULL) IS NULL
    AND array_position(tags, '') IS NULL)) NOT VALID,
  ADD CONSTRAINT jobs_numbers_bounded CHECK (completed_at IS NOT NULL OR (
    (timeout_us IS NULL OR timeout_us <= 604800000000) AND max_attempts <= 10000 AND attempts_at_start <= 10000
    AND (max_attempts = 0 OR attempts_at_start <= max_attempts)
    AND (unique_lifetime IS NULL OR unique_lifetime <= 315360000000000)
    AND (body IS NULL OR octet_length(body) <= 1048576)
    AND created_at >= timestamptz '1970-01-01 00:00:00+00' AND created_at < timestamptz '2191-10-27 12:26:40+00'
    AND scheduled_at >= timestamptz '1970-01-01 00:00:00+00'
    AND CASE WHEN isfinite(scheduled_at) AND isfinite(created_at)
      THEN scheduled_at - created_at <= interval '87600 hours' ELSE false END)) NOT VALID;

-- Blank: a row of a program older than this, which may hold jobs of several queues.
ALTER TABLE tally.outbox ADD COLUMN queue text COLLATE "C" NOT NULL DEFAULT ' ';
CREATE INDEX outbox_queue ON tally.outbox (queue, id);
COMMENT ON INDEX tally.outbox_queue IS 'relay/queues.sql, relay/claim.sql';

-- Whether a text is nothing but white space.
CREATE FUNCTION tally.is_blank(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT name IS NULL
    OR name COLLATE "C" !~ '[^\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]'
$$;

-- Why this may not be a name; null if it may. The ranges are those of `NameCheck.invisible`.
CREATE FUNCTION tally.name_problem(name text, most integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
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

-- Why no queue can take such a job; null if one can. The order and the words are those of `JobRules`.
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
REVOKE ALL ON FUNCTION tally.is_blank, tally.name_problem, tally.job_problem FROM PUBLIC;

-- As before, under these rules. The id's own time must lie within a day, as for every client.
CREATE OR REPLACE FUNCTION tally.enqueue(
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
  key text := CASE WHEN NOT tally.is_blank(enqueue.unique_key) THEN regexp_replace(enqueue.unique_key COLLATE "C",
    '^[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$',
    '', 'g') END;
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
