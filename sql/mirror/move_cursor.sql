-- Moves the cursor if it still stands where the batch begins; a second mirror waits here, then misses. From here on
-- the transaction waits for no other lock longer than that: what a client's transaction holds may be held for hours.
-- Params:  $1 $2 bigint from epoch and seq, $3 $4 bigint to, $5 text ms, $6 bigint shard
-- Returns: one row if it moved: 1, the setting, whether changes are kept for rows that were held (0/1), bigint
-- Caller:  PostgresLedger.apply
INSERT INTO tally.mirror_cursor AS c (shard, epoch, seq, at)
SELECT $6::bigint::smallint, $3::bigint, $4::bigint, now()
WHERE $1::bigint = 0 AND $2::bigint = 0 OR EXISTS (SELECT FROM tally.mirror_cursor WHERE shard = $6::bigint::smallint)
ON CONFLICT (shard) DO UPDATE SET epoch = EXCLUDED.epoch, seq = EXCLUDED.seq, at = EXCLUDED.at
  WHERE c.epoch = $1::bigint AND c.seq = $2::bigint
RETURNING 1::bigint, set_config('lock_timeout', $5::text, true),
  (EXISTS (SELECT FROM tally.held_changes))::integer::bigint
