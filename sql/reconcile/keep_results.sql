-- Puts them into live rows that have none yet; the mirror leaves a result alone that its entry does not name.
-- Params:  $1 uuid[] ids, $2 text[] results as JSON, $3 bytea[] results.
-- Returns: nothing.
-- Caller:  PostgresLedger.keepResults.
UPDATE tally.jobs j SET result = r.result::jsonb, result_body = r.body
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS r (id, result, body)
WHERE j.id = r.id AND j.completed_at IS NULL AND j.result_body IS NULL
