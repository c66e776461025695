-- Writes a reconciler run: as it begins, and as it ends with its findings, of which each call brings a bounded
-- number. A repeat changes nothing. A finding keeps the time when its job and code were first seen together.
-- Params:  $1 uuid id, $2 $3 timestamptz started and finished, $4 mode, $5 $6 bigint epoch and seq, $7 $8 bigint
--          scanned in queue and ledger, $9 bigint inconclusive, $10 bigint exit code, $11 text[] code, $12 uuid[] job
--          (null = none), $13 text[] queue view, $14 text[] ledger view, $15 text[] outcome, $16 actor, $17 host,
--          $18 version, $19 bigint end seq, $20 $21 $22 $23 bigint found, repaired, raced, left, $24 bigint full
--          cycle (0/1), $25 error, $26 text[] severity, $27 text[] queue, $28 text[] detail, $29 bigint shard, -1 =
--          none of several, $30 bigint how many findings of the run stand before these
-- Returns: nothing
-- Caller:  PostgresLedger.record(run:)
WITH run AS (
  INSERT INTO tally.reconcile_runs (
    id, started_at, finished_at, mode, epoch, seq, scanned_queue, scanned_ledger, inconclusive, exit_code, actor,
    host, version, end_seq, found, repaired, raced, left_over, full_cycle, error, shard)
  VALUES ($1::uuid, $2::timestamptz, $3::timestamptz, $4, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint,
    $10::bigint, $16, $17, $18, $19::bigint, $20::bigint, $21::bigint, $22::bigint, $23::bigint, $24::bigint <> 0,
    $25, $29::bigint::smallint)
  ON CONFLICT (id) DO UPDATE SET finished_at = EXCLUDED.finished_at, scanned_queue = EXCLUDED.scanned_queue,
    scanned_ledger = EXCLUDED.scanned_ledger, inconclusive = EXCLUDED.inconclusive, exit_code = EXCLUDED.exit_code,
    end_seq = EXCLUDED.end_seq, found = EXCLUDED.found, repaired = EXCLUDED.repaired, raced = EXCLUDED.raced,
    left_over = EXCLUDED.left_over, full_cycle = EXCLUDED.full_cycle, error = EXCLUDED.error
  RETURNING id
)
INSERT INTO tally.reconcile_findings (
  run_id, number, code, job_id, queue_view, ledger_view, outcome, severity, queue, detail, at, first_seen)
SELECT run.id, $30::bigint + i.n, i.code, i.job, i.queue_view, i.ledger_view, i.outcome, i.severity, i.queue,
  i.detail, $3::timestamptz,
  coalesce((SELECT min(f.first_seen) FROM tally.reconcile_findings f WHERE f.job_id = i.job AND f.code = i.code),
    $3::timestamptz)
FROM run, unnest($11::text[], $12::uuid[], $13::text[], $14::text[], $15::text[], $26::text[], $27::text[],
  $28::text[])
  WITH ORDINALITY AS i (code, job, queue_view, ledger_view, outcome, severity, queue, detail, n)
ON CONFLICT (run_id, number) DO NOTHING
