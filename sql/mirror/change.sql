-- Brings rows to their last state of a batch. The guard is `outranks` of Tests/Model/protocol.py: nothing below the
-- last requeue, a terminal row yields only to a higher version, else (epoch, version, seq) must grow. It makes a
-- repeat harmless. The answer counts the rows that really changed: mirror/count.sql brings it to the totals.
--
-- No bounds on j.id beside the join: they would prune partitions earlier, but let the planner guess that a young
-- table holds next to nothing in that range, walk it first and search the whole batch for each of its rows (30 s,
-- measured).
--
-- Params:  $1 uuid[] id, $2 bigint[] epoch, $3 integer[] version, $4 bigint[] seq, $5 text[] status,
--          $6 timestamptz[] at, $7 timestamptz[] started, $8 timestamptz[] completed, $9 timestamptz[] waits for,
--          $10 text[] worker, $11 integer[] attempts, $12 integer[] crashes, $13 text[] error,
--          $14 text[] result as JSON, $15 bytea[] result, $16 integer[] priority; null in $7…$16 =
--          leave as it is
-- Returns: how many rows changed, and by how much completed, failed and cancelled rows are more, all bigint
-- Caller:  PostgresLedger.apply, freeKeys
WITH moved AS (
  UPDATE tally.jobs j SET
    previous_status = j.status,
    status = c.status, version = c.version, epoch = c.epoch, seq = c.seq,
    updated_at = c.at,
    started_at = coalesce(c.started_at, j.started_at),
    completed_at = CASE WHEN c.status IN ('completed', 'failed', 'cancelled') THEN coalesce(c.completed_at, c.at) END,
    run_at = CASE WHEN c.status IN ('scheduled', 'retrying') THEN coalesce(c.run_at, j.run_at, c.at) END,
    failed_at = CASE WHEN c.status IN ('failed', 'retrying') THEN c.at ELSE j.failed_at END,
    worker_id = coalesce(c.worker_id, j.worker_id),
    attempts = coalesce(c.attempts, j.attempts),
    crashes = coalesce(c.crashes, j.crashes),
    error = coalesce(c.error, j.error),
    result = coalesce(c.result::jsonb, j.result),
    result_body = coalesce(c.result_body, j.result_body),
    priority = coalesce(c.priority, j.priority)
  FROM unnest($1::uuid[], $2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::integer[], $12::integer[], $13::text[], $14::text[],
    $15::bytea[], $16::integer[]) AS c (id, epoch, version, seq, status, at, started_at, completed_at, run_at,
    worker_id, attempts, crashes, error, result, result_body, priority)
  WHERE j.id = c.id
    AND c.version >= j.floor
    AND CASE WHEN j.completed_at IS NOT NULL THEN c.version > j.version
      ELSE (c.epoch, c.version, c.seq) > (j.epoch, j.version, j.seq) END
  RETURNING :moved
), :steps
SELECT t.rows, t.completed, t.failed, t.cancelled FROM totals t
