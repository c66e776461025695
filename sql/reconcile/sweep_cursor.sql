-- How far the last round of the continuous reconciler came, if it was cut off.
-- Params: none. Returns: stage, position; no row = it came to its end. Caller: PostgresLedger.sweepCursor.
SELECT c.stage, c.position FROM tally.reconcile_cursor c
