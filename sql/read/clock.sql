-- The server's clock, µs since 1970.
-- Params:  none.
-- Returns: now bigint.
-- Caller:  PostgresLedger.clock.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
