-- A report that lies ahead of this server's clock was made before that stepped back: it counts as made now, so that a
-- queue which is gone does not seem to live for the length of the step.
-- Params:  none.
-- Returns: nothing.
-- Caller:  PostgresLedger.meet.
UPDATE tally.queues q SET seen_at = clock_timestamp() WHERE q.seen_at > clock_timestamp()
