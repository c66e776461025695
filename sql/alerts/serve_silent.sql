-- Seconds since any process of `tally serve` reported its duties; 0 where none ever has. A dozen rows a shard.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-serve-silent of dashboards/alerts.json.
SELECT coalesce(extract(epoch FROM now() - max(d.reported_at)), 0)::bigint AS value
FROM tally.duties d
