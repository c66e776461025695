-- What an enqueue commits is a function, so that a session plans it once and not for every call: with 500 jobs a call the plan
-- took a fifth of the statement. A pooler in transaction mode may hand the session to others; the plan stays with it.
--
-- Locks: none; a function is made. Safe on a live system. Older programs go on with a statement of their own. It runs with its
--        caller's rights, on the tables that those programs write too.
-- After: where functions are kept from PUBLIC, run roles.sql again.
-- Undo:  undo/0015_record.sql

-- Records new jobs with one outbox row a queue, all or nothing. Ids that are there already and jobs whose unique key is taken
-- are left out; record/explain.sql then says why. Within a call ids and (queue, key) pairs must not repeat.
--
-- Times are µs since 1970: any client can bind bigint[]. Inserts go in id order and keys in key order, so that two calls with
-- the same jobs cannot deadlock. Returned is one row a NEW job.
CREATE FUNCTION tally.record_jobs(
  ids uuid[], types text[], queues text[], priorities bigint[], bodies bytea[],
  payloads text[],         -- '' = the body as it is
  codecs text[], created bigint[],
  runs bigint[],           -- -1 = now
  timeouts bigint[],       -- µs, 0 = none
  attempts bigint[], max_attempts bigint[], max_crashes bigint[],
  unique_keys text[],      -- '' = none
  lifetimes bigint[],      -- µs, -1 until terminal, -2 for ever
  tags text[],             -- joined by U+001F
  traces text[], body_hashes bigint[],
  -- Each of the others is empty as a whole where no job has it, so that those without do not pay.
  header_names text[],     -- joined by U+001F, '' = none
  header_values text[],    -- each as bytea's hex, joined by commas
  tenants text[],          -- '' = none
  limit_keys text[],       -- '' = none
  not_afters bigint[]      -- 0 = none
) RETURNS TABLE (outbox bigint, job uuid)
LANGUAGE plpgsql ROWS 500 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
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
COMMENT ON FUNCTION tally.record_jobs IS 'What the library''s recorded enqueue commits. SQL calls tally.enqueue.';
