-- Which of these jobs were replayed before. A statement of its own behind replay/lock.sql, so that it sees what was
-- committed while that waited.
-- Params:  $1 uuid[] ids
-- Returns: uuid of each
-- Caller:  PostgresLedger.claimReplays
SELECT DISTINCT a.subject::uuid
FROM tally.audit_log a
WHERE a.action = 'replay' AND a.subject = ANY ($1::uuid[]::text[])
