-- Notes queues whose unique keys Redis keeps, for jobs of mode queued. Not one of which recorded jobs have keys now:
-- those stay the ledger's until they are free.
-- Params:  $1 text[] queues, without repeats
-- Returns: nothing
-- Caller:  PostgresLedger.apply, for a batch in which jobs with keys were enqueued in mode queued
INSERT INTO tally.key_homes (queue)
SELECT i.queue FROM unnest($1::text[]) AS i (queue)
WHERE NOT EXISTS (SELECT FROM tally.unique_keys k WHERE k.queue = i.queue AND k.until > clock_timestamp())
ORDER BY i.queue
ON CONFLICT DO NOTHING
