-- For this transaction: a join of a batch with the jobs must go by the primary key, row by row. The planner cannot
-- know how long the arrays are and else reads all history for a batch (800 ms, measured). What is switched off costs
-- 10^10 in the planner's eyes where it has no other way, and that calls the JIT compiler for a statement of
-- microseconds: 1 s a batch, measured. So that goes as well.
-- Params:  none.
-- Returns: one row.
-- Caller:  PostgresLedger.apply, relay.
SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_material', 'off', true),
  set_config('jit', 'off', true)
