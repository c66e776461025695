-- Drops duties that no process has reported for long.
-- Params:  $1 bigint longer than so many µs.
-- Returns: one row for each that went.
-- Caller:  PostgresLedger.prune.
DELETE FROM tally.duties d WHERE d.reported_at < now() - $1::bigint * interval '1 microsecond' RETURNING 1::bigint
