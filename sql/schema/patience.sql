-- Switches off, for this transaction, the short timeouts that a role or a database may set: a waiter is not to be
-- killed by them. A statement of its own: the timeout of a statement that already runs cannot be lifted.
-- Params:  none.
-- Returns: one row.
-- Caller:  Migrator.
SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true),
  set_config('idle_in_transaction_session_timeout', '0', true)
