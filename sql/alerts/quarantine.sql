-- Rows in quarantine, counted up to a thousand.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-quarantine of dashboards/alerts.json.
SELECT count(*) AS value
FROM (SELECT q.id FROM tally.quarantine q LIMIT 1000) q
