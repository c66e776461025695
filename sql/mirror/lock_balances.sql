-- Takes the totals' row before rows are tried one by one: a lock that is not to be had in time is then never this one.
-- Params: none. Returns: one row. Caller: PostgresLedger.apply, on the second try
SELECT 1::bigint FROM tally.balances b FOR UPDATE
