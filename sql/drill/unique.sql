-- Jobs of one unique key of which a later one was leased before an earlier one had ended (I11).
-- Params: none. Returns: text, at most 20.
-- Caller: PostgresLedger.drillFindings.
SELECT b.id::text || ' was leased under the key of ' || a.id::text || ', which had not ended'
FROM tally.jobs a
JOIN tally.jobs b ON b.queue = a.queue AND b.unique_key = a.unique_key AND b.id > a.id
WHERE a.unique_key IS NOT NULL AND EXISTS (
  SELECT FROM tally.job_events e
  WHERE e.job_id = b.id AND e.status = 'processing' AND (a.completed_at IS NULL OR e.at < a.completed_at))
LIMIT 20
