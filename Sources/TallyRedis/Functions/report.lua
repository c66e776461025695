-- report: the ledger holds everything up to a position. Trims the log, lets tombstones age.
--
-- ARGV[3]  epoch; ARGV[4] seq
-- Keys     reads meta, log, tombs; writes meta, log, tombs
-- Returns  now, epoch, held
-- Log      nothing
-- Repeat   is harmless, and so is an older position: what is trimmed was reported before
-- Cost     O(entries trimmed); amortised O(1) an entry
--
-- Tombstones lie in two generations. The younger is written; the older is dropped once its last entry was reported
-- 60 s ago, and the two change places. So each lives 60 s at least after the ledger knows its end.
local function before(epoch, seq, other_epoch, other_seq)
  return epoch < other_epoch or epoch == other_epoch and seq <= other_seq
end

redis.register_function { function_name = NAME .. 'report', flags = { 'allow-oom' }, callback = function(keys, args)
  local epoch, seq = whole(args[3], 0, LATEST, 'epoch'), whole(args[4], 0, LATEST, 'seq')
  local c = begin(keys, args)
  -- Not of this history: nobody can have applied what was never written.
  if epoch > c.epoch or epoch == c.epoch and seq > c.seq then return reply(c) end
  local meta = c.p .. K.meta
  local m = redis.call('HMGET', meta, 'mark_epoch', 'mark_seq', 'mark_at', 'old_epoch', 'old_seq', 'old_at',
    'told', 'told_epoch', 'told_seq')
  -- Trim what was reported 30 s ago; all that is reported when the log grows long.
  local mark_at = tonumber(m[3] or '0')
  local length, last = log_length(c), text(epoch) .. '-' .. text(seq + 1)
  if length > 2 * LOG_ENTRIES then
    -- Only a foreign hand writes so much: one call drops no more of it than the log may hold of ours.
    redis.call('XTRIM', c.p .. K.log, 'MINID', '~', last, 'LIMIT', text(LOG_ENTRIES))
  elseif length > LOG_ENTRIES / 2 then redis.call('XTRIM', c.p .. K.log, 'MINID', last)
  elseif c.now - mark_at >= KEEP_LOG or c.now < mark_at then
    if m[1] then redis.call('XTRIM', c.p .. K.log, 'MINID', m[1] .. '-' .. text(tonumber(m[2]) + 1)) end
    redis.call('HSET', meta, 'mark_epoch', text(epoch), 'mark_seq', text(seq), 'mark_at', text(c.now))
    -- What workers told before this was counted anew is in the ledger: what they tell from now on has room again.
    if m[7] and before(tonumber(m[8] or '0'), tonumber(m[9] or '0'), epoch, seq) then
      redis.call('HSET', meta, 'told', '0', 'told_epoch', text(c.epoch), 'told_seq', text(c.seq))
    end
  end
  local older = c.gen == 'a' and 'b' or 'a'
  if not m[4] then
    -- The older generation is empty or unknown: whatever it holds was written before now.
    redis.call('HSET', meta, 'old_epoch', text(c.epoch), 'old_seq', text(c.seq), 'old_at', '0')
  elseif m[6] == '0' then
    if before(tonumber(m[4]), tonumber(m[5]), epoch, seq) then redis.call('HSET', meta, 'old_at', text(c.now)) end
  elseif c.now - tonumber(m[6]) >= TOMBSTONE then
    remove(c, c.p .. K.tombs .. older, 'hash')
    redis.call('HSET', meta, 'gen', older, 'old_epoch', text(c.epoch), 'old_seq', text(c.seq), 'old_at', '0')
  end
  return reply(c)
end }
