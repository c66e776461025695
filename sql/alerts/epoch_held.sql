-- Seconds for which an epoch has been held, or could not be asked for, of several shards the longest; a moment where
-- none is. One that nobody reports is left out: that is another alert. A dozen rows a shard.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-epoch-held of dashboards/alerts.json.
SELECT coalesce(extract(epoch FROM now() - min(coalesce(d.last_success, d.first_seen))), 0)::bigint AS value
FROM tally.duties d
WHERE (d.name = 'open epoch' OR d.name LIKE 'open epoch/%') AND d.reported_at > now() - interval '1 minute'
