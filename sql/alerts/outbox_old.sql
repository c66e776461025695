-- Seconds that the oldest row of the outbox has waited. Ids follow time, so the primary key answers with one row.
-- Params:  none.
-- Returns: value bigint.
-- Caller:  the rule tally-outbox-old of dashboards/alerts.json.
SELECT coalesce((
    SELECT extract(epoch FROM now() - o.created_at) FROM tally.outbox o ORDER BY o.id LIMIT 1), 0)::bigint AS value
