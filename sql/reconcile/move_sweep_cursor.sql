-- Notes how far the round has come.
-- Params: $1 stage, $2 position. Returns: nothing. Caller: PostgresLedger.moveSweepCursor.
INSERT INTO tally.reconcile_cursor AS c (one, stage, position) VALUES (true, $1, $2)
ON CONFLICT (one) DO UPDATE SET stage = EXCLUDED.stage, position = EXCLUDED.position, moved_at = now()
