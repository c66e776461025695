-- Drops runs of the reconciler with their findings, but the latest full one of each shard: those of `tally serve`
-- that found nothing soon, every other one later.
-- Params:  $1 bigint a round without a finding older than so many µs, $2 bigint any run older than so many µs,
--          $3 bigint at most so many.
-- Returns: one row for each that went.
-- Caller:  PostgresLedger.prune.
DELETE FROM tally.reconcile_runs r WHERE r.id IN (
  SELECT d.id FROM tally.reconcile_runs d
  WHERE (d.mode = 'serve' AND d.found = 0 AND d.finished_at < now() - $1::bigint * interval '1 microsecond'
      OR d.finished_at < now() - $2::bigint * interval '1 microsecond')
    AND d.finished_at < coalesce((
      SELECT max(f.finished_at) FROM tally.reconcile_runs f WHERE f.full_cycle AND f.shard = d.shard), 'infinity')
  LIMIT $3::bigint)
RETURNING 1::bigint
