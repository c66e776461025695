-- Duties that have not succeeded for their own limits, but for the two of which an alert of their own tells. Those
-- that nobody reports are left out: that is another alert. A dozen rows a shard.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-duty-silent of dashboards/alerts.json.
SELECT count(*) AS value
FROM tally.duties d
WHERE coalesce(d.last_success, d.first_seen) < now() - d.silence AND d.reported_at > now() - interval '1 minute'
  AND split_part(d.name, '/', 1) NOT IN ('mirror', 'open epoch')
