-- Notes how far the round of a shard has come, or that it came to its end; where those of others were cut off stays.
-- sweep_cursor.sql says what the row holds.
-- Params:  $1 stage, null = to its end, $2 position, $3 the shard's number as text, null = the only one.
-- Returns: nothing.
-- Caller:  PostgresLedger.moveSweepCursor.
WITH ended AS (DELETE FROM tally.reconcile_cursor WHERE $1::text IS NULL AND $3::text IS NULL)
INSERT INTO tally.reconcile_cursor AS c (one, stage, position)
SELECT true, CASE WHEN $3 IS NULL THEN $1 ELSE 'ledger' END, CASE WHEN $3 IS NULL THEN $2::text
  ELSE jsonb_build_object(
    coalesce($3, ''), CASE WHEN $1 IS NOT NULL THEN jsonb_build_array($1, $2::text) END)::text END
WHERE $1 IS NOT NULL OR $3 IS NOT NULL
ON CONFLICT (one) DO UPDATE SET stage = EXCLUDED.stage, moved_at = now(),
  position = CASE WHEN $3 IS NULL THEN EXCLUDED.position ELSE jsonb_strip_nulls(
    CASE WHEN c.position LIKE '{%' THEN c.position ELSE '{}' END::jsonb || EXCLUDED.position::jsonb)::text END
