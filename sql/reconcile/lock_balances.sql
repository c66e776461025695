-- Holds the totals still: every transaction that changes them waits, so what is counted next is what they must say.
-- Params: none. Returns: accepted, completed, failed, cancelled. Caller: PostgresLedger.correctBalances.
SELECT b.accepted, b.completed, b.failed, b.cancelled FROM tally.balances b FOR UPDATE
