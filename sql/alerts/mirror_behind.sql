-- Seconds since the mirror last succeeded, of several shards the longest. One that nobody reports is left out: either
-- `tally serve` is silent, which is another alert, or the shard is gone. A dozen rows a shard.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-mirror-behind of dashboards/alerts.json.
SELECT coalesce(extract(epoch FROM now() - min(coalesce(d.last_success, d.first_seen))), 0)::bigint AS value
FROM tally.duties d
WHERE (d.name = 'mirror' OR d.name LIKE 'mirror/%') AND d.reported_at > now() - interval '1 minute'
