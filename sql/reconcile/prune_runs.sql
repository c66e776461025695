-- Drops runs of `tally serve` that found nothing, but the latest full one.
-- Params: $1 bigint older than so many µs. Returns: nothing. Caller: PostgresLedger.pruneRuns.
DELETE FROM tally.reconcile_runs r
WHERE r.mode = 'serve' AND r.found = 0 AND r.finished_at < now() - $1::bigint * interval '1 microsecond'
  AND r.finished_at < (SELECT max(f.finished_at) FROM tally.reconcile_runs f WHERE f.full_cycle)
