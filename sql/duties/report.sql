-- Keeps how the duties of one process fare. A success that is known already is never overwritten by an earlier one.
-- Params:  $1 text[] name in order, $2 bigint[] limit of silence in µs, $3 bigint[] last success so many µs ago (-1 =
--          none), $4 text[] error, $5 holder.
-- Returns: nothing.
-- Caller:  PostgresLedger.report.
INSERT INTO tally.duties AS d (name, silence, last_success, last_error, holder)
SELECT i.name, i.silence * interval '1 microsecond',
  now() - nullif(i.ago, -1) * interval '1 microsecond', i.error, $5
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS i (name, silence, ago, error)
ON CONFLICT (name) DO UPDATE SET silence = EXCLUDED.silence,
  last_success = greatest(d.last_success, EXCLUDED.last_success), last_error = EXCLUDED.last_error,
  holder = EXCLUDED.holder, reported_at = EXCLUDED.reported_at
