-- Seconds since any process of `tally serve` reported its duties; where none ever has, since the ledger was made. A
-- dozen rows a shard.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-serve-silent of dashboards/alerts.json.
SELECT extract(epoch FROM now() - coalesce(max(d.reported_at), (SELECT min(i.made_at) FROM tally.identity i)))::bigint
  AS value
FROM tally.duties d
