-- survey: the shard's own account: how far its log goes, what the ledger has reported, what entered and what ended
-- since the epoch began; or puts that account right.
--
-- ARGV[3]  '' = only tells; else the sum that was seen missing: it is added to what the epoch began with
-- ARGV[4]  token of the lease to repair ('' = none), which must be that of fence.lua
-- Keys     reads meta, log, body, later; writes meta, log, later
-- Returns  now, epoch, held, last seq, first log entry kept ('' = none), reported epoch and seq, jobs held, held as
--          the epoch began, entered, completed, failed, cancelled, the ledger's id ('' = none)
-- Log      nothing; D by reconciler:D21, without a move, when something was put right
-- Repeat   of a correction finds the account right, and changes nothing; else only reads
-- Cost     O(1)
local function first_of_log(c)
  local from = log_length(c) > 0 and '-'
  while from do
    local entry = redis.call('XRANGE', c.p .. K.log, from, '+', 'COUNT', 1)[1]
    if not entry or is_entry(entry) then return entry and entry[1] end
    from = behind(c, entry[1])
  end
end

redis.register_function { function_name = NAME .. 'survey', flags = { 'allow-oom' }, callback = function(keys, args)
  local missing = args[3] ~= '' and whole(args[3], -LATEST, LATEST, 'what is missing')
  local c = begin(keys, args)
  check_fence(c, missing and args[4])
  local held = redis.call('HLEN', c.p .. K.body)
  local a = account_of(c)
  if missing and held + a.c + a.f + a.x - a.base - a.entered == missing and missing ~= 0 then
    a.base = a.base + missing
    append(c, 'D', 'reconciler:D21', '')
    finish(c)
  end
  local first = first_of_log(c)
  local m = redis.call('HMGET', c.p .. K.meta, 'mark_epoch', 'mark_seq', 'ledger')
  return reply(c, text(c.seq), first or '', m[1] or '0', m[2] or '0', held, text(a.base),
    text(a.entered), text(a.c), text(a.f), text(a.x), m[3] or '')
end }
