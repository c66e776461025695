-- When the halves were last compared in full. Params: none. Returns: timestamptz, null = never.
-- Caller: PostgresLedger.lastFullRun.
SELECT max(r.finished_at) FROM tally.reconcile_runs r WHERE r.full_cycle
