-- Counts one page of the jobs, in the order of their ids: all history in one statement would take longer than any
-- statement may.
-- Params:  $1 uuid the last id of the page before, $2 bigint rows
-- Returns: jobs, completed, failed, cancelled, all bigint; the page's last id (null = there are no more)
-- Caller:  PostgresLedger.recount
WITH page AS MATERIALIZED (
  SELECT j.id, j.status FROM tally.jobs j WHERE j.id > $1::uuid ORDER BY j.id LIMIT $2::bigint
)
SELECT count(*), count(*) FILTER (WHERE p.status = 'completed'), count(*) FILTER (WHERE p.status = 'failed'),
  count(*) FILTER (WHERE p.status = 'cancelled'), (SELECT l.id FROM page l ORDER BY l.id DESC LIMIT 1)
FROM page p
