-- Notes which job was replayed as which, beside the new jobs themselves.
-- Params:  $1 uuid[] ids, $2 uuid[] the new ones, $3 actor
-- Returns: nothing
-- Caller:  PostgresLedger.noteReplays
INSERT INTO tally.audit_log (actor, action, subject, detail)
SELECT $3::text, 'replay', p.origin::text, jsonb_build_object('as', p.copy)
FROM unnest($1::uuid[], $2::uuid[]) AS p (origin, copy)
