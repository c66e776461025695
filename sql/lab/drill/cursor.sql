-- Where the mirror stands, and how many changes it set aside (I7).
-- Params: none. Returns: text: epoch-seq, then the number in quarantine.
-- Caller: PostgresLedger.drillFindings.
SELECT (SELECT c.epoch || '-' || c.seq FROM tally.mirror_cursor c WHERE c.shard = 0) || ' '
  || (SELECT count(*) FROM tally.quarantine)
