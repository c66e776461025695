-- Marks a job's effect as done, inside the caller's transaction, beside the caller's own rows. Unique by job alone:
-- of two attempts the first commit wins, the other waits for it here and then gets no row. Refused, also without a
-- row, where the ledger knows the job as ended or under a later lease.
-- Returns: one row if this transaction holds the effect now
-- Params:  $1 uuid job, $2 bigint epoch and $3 bigint version of the lease, $4 text token, $5 bytea result (null =
--          none)
-- Caller:  PostgresLedger.complete
INSERT INTO tally.job_effects (job_id, token, result)
SELECT $1::uuid, $4::text, $5::bytea
WHERE NOT EXISTS (
  SELECT FROM tally.jobs j WHERE j.id = $1
    AND (j.completed_at IS NOT NULL OR (j.epoch, j.version) > ($2::bigint, $3::bigint)))
ON CONFLICT (job_id) DO NOTHING
RETURNING 1::bigint
