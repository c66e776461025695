-- Undoes migrations/0012_key_homes.sql. A key that a job of mode queued holds lets in a second job from `tally.enqueue` again.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
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
DROP FUNCTION tally.trimmed;
DROP TABLE tally.key_homes;
DELETE FROM tally.schema_migrations WHERE version = 12;
