-- Partitions of this month and the next that are missing. Reads the catalogue alone.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-partition-missing of dashboards/alerts.json.
SELECT count(*) AS value
FROM tally.months_missing(1) m
