-- How every duty fares, by this server's clock.
-- Params:  none.
-- Returns: name, then bigint µs: its limit of silence, since its last success (null = never), since it was first
--          reported; error, holder; bigint µs since it was last reported. By name.
-- Caller:  PostgresLedger.duties.
SELECT d.name, (extract(epoch FROM d.silence) * 1000000)::bigint,
  (extract(epoch FROM clock_timestamp() - d.last_success) * 1000000)::bigint,
  (extract(epoch FROM clock_timestamp() - d.first_seen) * 1000000)::bigint, d.last_error, d.holder,
  (extract(epoch FROM clock_timestamp() - d.reported_at) * 1000000)::bigint
FROM tally.duties d ORDER BY d.name
