-- Serialises migrations of one schema until the transaction ends. A waiter must not be killed by a short timeout that
-- its role or database sets, so these are switched off for this transaction.
-- Params: none. Returns: one row. Caller: Migrator.
SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true),
  set_config('idle_in_transaction_session_timeout', '0', true),
  pg_advisory_xact_lock(1952541804, hashtext('tally'))
