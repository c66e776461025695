-- Writes a reconciler run with its findings. A repeat writes nothing.
-- Params:  $1 uuid id, $2 $3 timestamptz started and finished, $4 mode, $5 $6 bigint epoch and seq, $7 $8 bigint scanned in
--          queue and ledger, $9 bigint inconclusive, $10 bigint exit code, $11 text[] code, $12 uuid[] job (null = none),
--          $13 text[] queue view, $14 text[] ledger view, $15 text[] outcome
-- Returns: nothing
-- Caller:  PostgresLedger.record(run:)
WITH run AS (
  INSERT INTO tally.reconcile_runs (
    id, started_at, finished_at, mode, epoch, seq, scanned_queue, scanned_ledger, inconclusive, exit_code)
  VALUES ($1::uuid, $2::timestamptz, $3::timestamptz, $4, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint,
    $10::bigint)
  ON CONFLICT (id) DO NOTHING
  RETURNING id
)
INSERT INTO tally.reconcile_findings (run_id, number, code, job_id, queue_view, ledger_view, outcome)
SELECT run.id, i.n, i.code, i.job, i.queue_view, i.ledger_view, i.outcome
FROM run, unnest($11::text[], $12::uuid[], $13::text[], $14::text[], $15::text[])
  WITH ORDINALITY AS i (code, job, queue_view, ledger_view, outcome, n)
