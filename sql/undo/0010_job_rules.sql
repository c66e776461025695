-- Undoes migrations/0010_job_rules.sql. `tally.enqueue` accepts again what no queue can take.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
ALTER TABLE tally.jobs DROP CONSTRAINT jobs_texts_bounded, DROP CONSTRAINT jobs_tags_bounded,
  DROP CONSTRAINT jobs_numbers_bounded;
ALTER TABLE tally.outbox DROP COLUMN queue;
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
  key text := nullif(btrim(enqueue.unique_key), '');
  due timestamptz := enqueue.run_at;
  holder uuid;
BEGIN
  IF btrim(coalesce(enqueue.type, '')) = '' OR octet_length(enqueue.type) > 100 THEN
    RAISE EXCEPTION 'type: between 1 and 100 bytes are required' USING ERRCODE = '22023';
  END IF;
  IF btrim(coalesce(enqueue.queue, '')) = '' OR octet_length(enqueue.queue) > 100 THEN
    RAISE EXCEPTION 'queue: between 1 and 100 bytes are required' USING ERRCODE = '22023';
  END IF;
  IF enqueue.payload IS NULL OR octet_length(enqueue.payload::text) > 1048576 THEN
    RAISE EXCEPTION 'payload: JSON of at most 1048576 bytes is required' USING ERRCODE = '22023';
  END IF;
  IF octet_length(key) > 255 THEN
    RAISE EXCEPTION 'unique_key: at most 255 bytes are allowed' USING ERRCODE = '22023';
  END IF;
  -- The lease queue refuses ids that carry no time: they would all fall into one partition.
  IF substr(job::text, 15, 1) <> '7' THEN
    RAISE EXCEPTION 'id: a UUIDv7 is required; leave it out to have one made' USING ERRCODE = '22023';
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
    0, coalesce(enqueue.tags, '{}'), coalesce(enqueue.trace, ''), convert_to(enqueue.payload::text, 'UTF8'));
  INSERT INTO tally.outbox (kind, ids, first_id, last_id) VALUES ('enqueue', ARRAY[job], job, job);
  RETURN job;
END $$;
DROP FUNCTION tally.job_problem, tally.name_problem, tally.is_blank;
DELETE FROM tally.schema_migrations WHERE version = 10;
