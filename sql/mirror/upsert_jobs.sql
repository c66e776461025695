-- The careful way of mirror/copy_jobs.sql: a row that is there takes the later state, by the guard of
-- mirror/change.sql. previous_status is null in a row that this statement inserted: that is how it is counted as new.
--
-- Params:  $1 uuid[] id, $2 text[] type, $3 text[] payload, $4 text[] status, $5 text[] result, $6 text[] error,
--          $7 integer[] attempts, $8 integer[] max attempts, $9 timestamptz[] created, $10 timestamptz[] updated,
--          $11 timestamptz[] scheduled, $12 timestamptz[] started, $13 timestamptz[] completed, $14 text[] worker,
--          $15 text[] queue, $16 integer[] priority, $17 integer[] version, $18 bigint[] epoch, $19 bigint[] seq,
--          $20 integer[] crashes, $21 integer[] max crashes, $22 integer[] attempts at start, $23 timestamptz[] run
--          at, $24 timestamptz[] failed, $25 bigint[] timeout, $26 text[] unique key, $27 bigint[] lifetime,
--          $28 bigint[] body hash, $29 text[] codec, $30 text[] trace, $31 text[] tags (joined by U+001F),
--          $32 bytea[] body, $33 bytea[] result body, $34 text[] header names (joined by U+001F), $35 text[] header
--          values (each as bytea's hex, joined by commas), $36 text[] tenant, $37 text[] limit key, $38 timestamptz[]
--          not after; $34…$38 null = none, and may be empty as a whole
-- Returns: how many rows it wrote, and by how much accepted, completed, failed and cancelled rows are more, all
--          bigint
-- Caller:  PostgresLedger.apply, on the second try
WITH moved AS (
  INSERT INTO tally.jobs AS j (
    id, type, payload, status, result, error, attempts, max_attempts, created_at, updated_at, scheduled_at,
    started_at, completed_at, worker_id, queue, priority, version, epoch, seq, crashes, max_crashes,
    attempts_at_start, run_at, failed_at, timeout_us, unique_key, unique_lifetime, body_hash, codec, trace, tags,
    body, result_body, header_names, header_values, tenant, limit_key, not_after)
  SELECT i.id, i.type, i.payload::jsonb, i.status, i.result::jsonb, i.error, i.attempts, i.max_attempts, i.created_at,
    i.updated_at, i.scheduled_at, i.started_at, i.completed_at, i.worker_id, i.queue, i.priority, i.version, i.epoch,
    i.seq, i.crashes, i.max_crashes, i.attempts_at_start, i.run_at, i.failed_at, i.timeout_us, i.unique_key,
    i.lifetime, i.body_hash, i.codec, i.trace, coalesce(string_to_array(nullif(i.tags, ''), chr(31)), '{}'), i.body,
    i.result_body, string_to_array(i.header_names, chr(31)), string_to_array(i.header_values, ',')::bytea[], i.tenant,
    i.limit_key, i.not_after
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::integer[],
    $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::text[],
    $15::text[], $16::integer[], $17::integer[], $18::bigint[], $19::bigint[], $20::integer[], $21::integer[],
    $22::integer[], $23::timestamptz[], $24::timestamptz[], $25::bigint[], $26::text[], $27::bigint[], $28::bigint[],
    $29::text[], $30::text[], $31::text[], $32::bytea[], $33::bytea[], $34::text[], $35::text[], $36::text[],
    $37::text[], $38::timestamptz[])
    AS i (id, type, payload, status, result, error, attempts, max_attempts, created_at, updated_at, scheduled_at,
      started_at, completed_at, worker_id, queue, priority, version, epoch, seq, crashes, max_crashes,
      attempts_at_start, run_at, failed_at, timeout_us, unique_key, lifetime, body_hash, codec, trace, tags, body,
      result_body, header_names, header_values, tenant, limit_key, not_after)
  ORDER BY i.id
  ON CONFLICT (id) DO UPDATE SET
    -- All of a record that ever changes is its priority, of a job that waited.
    previous_status = j.status, priority = EXCLUDED.priority,
    status = EXCLUDED.status, version = EXCLUDED.version, epoch = EXCLUDED.epoch, seq = EXCLUDED.seq,
    attempts = EXCLUDED.attempts, crashes = EXCLUDED.crashes, updated_at = EXCLUDED.updated_at,
    started_at = coalesce(EXCLUDED.started_at, j.started_at), completed_at = EXCLUDED.completed_at,
    worker_id = coalesce(EXCLUDED.worker_id, j.worker_id), run_at = EXCLUDED.run_at,
    failed_at = coalesce(EXCLUDED.failed_at, j.failed_at), error = coalesce(EXCLUDED.error, j.error),
    result = coalesce(EXCLUDED.result, j.result), result_body = coalesce(EXCLUDED.result_body, j.result_body)
  WHERE EXCLUDED.version >= j.floor
    AND CASE WHEN j.completed_at IS NOT NULL THEN EXCLUDED.version > j.version
      ELSE (EXCLUDED.epoch, EXCLUDED.version, EXCLUDED.seq) > (j.epoch, j.version, j.seq) END
  RETURNING :moved
), :steps
SELECT t.rows, t.accepted, t.completed, t.failed, t.cancelled FROM totals t
