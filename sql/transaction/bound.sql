-- Bounds this transaction on the server's side as well: a client that stands still (stopped, cut off, swapped out)
-- must not hold its locks, of which the mirror's cursor is one, until it wakes up. What the role, the database or the
-- URL sets goes first.
-- Params:  $1 text ms a statement may take, $2 text ms between two of them.
-- Returns: one row.
-- Caller:  PostgresConnection.begin
SELECT
  CASE current_setting('statement_timeout') WHEN '0' THEN set_config('statement_timeout', $1::text, true) END,
  CASE current_setting('idle_in_transaction_session_timeout') WHEN '0'
    THEN set_config('idle_in_transaction_session_timeout', $2::text, true) END
