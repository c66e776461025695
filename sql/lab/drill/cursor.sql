-- Where the mirrors stand, shard by shard, and how many changes they set aside (I7).
-- Params:  none.
-- Returns: text: epoch-seq of each shard, then the number in quarantine.
-- Caller:  PostgresLedger.drillFindings.
SELECT (SELECT string_agg(c.epoch || '-' || c.seq, ' ' ORDER BY c.shard) FROM tally.mirror_cursor c) || ' '
  || (SELECT count(*) FROM tally.quarantine)
