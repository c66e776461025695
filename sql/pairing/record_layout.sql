-- Which layout of records may be recorded: 1, or 2 once every program that uses the queue reads that.
-- Params:  none.
-- Returns: bigint.
-- Caller:  PostgresLedger.recordLayout, and record where a job needs the second.
SELECT i.record_layout::bigint FROM tally.identity i
