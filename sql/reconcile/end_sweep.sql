-- The round came to its end.
-- Params: none. Returns: nothing. Caller: PostgresLedger.moveSweepCursor.
DELETE FROM tally.reconcile_cursor
