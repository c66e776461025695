-- pair: this shard belongs to one ledger and has one id of its own. The first to come stays.
--
-- ARGV[3]  the ledger's id, 36 characters; '' = only tells
-- ARGV[4]  an id for this shard, 36 characters, unless it has one; absent or '' = none
-- Keys     reads meta; writes meta
-- Returns  now, epoch, held, '1' = it is this ledger's, '0' = another's or none's, the ledger's id and
--          its own ('' = none), run_id of the server, the epochs that led to this one and this one ('' = unknown)
-- Log      nothing
-- Repeat   changes nothing
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'pair', flags = { 'allow-oom' }, callback = function(keys, args)
  local ledger, own = args[3] or '', args[4] or ''
  if #ledger ~= 36 and ledger ~= '' or #own ~= 36 and own ~= '' then
    refuse('a ledger and a shard have ids of 36 characters')
  end
  local c = begin(keys, args)
  local meta = c.p .. K.meta
  if ledger ~= '' then redis.call('HSETNX', meta, 'ledger', ledger) end
  local m = redis.call('HMGET', meta, 'ledger', 'queue')
  -- Another ledger's shard is left as it is.
  if own ~= '' and m[1] == ledger and not m[2] then
    redis.call('HSET', meta, 'queue', own)
    m[2] = own
  end
  -- An older program begins an epoch without keeping it.
  if ledger ~= '' and m[1] == ledger then keep_epochs(c, { c.epoch }) end
  return reply(c, m[1] and m[1] == ledger and '1' or '0', m[1] or '', m[2] or '', args[1],
    redis.call('HGET', meta, 'epochs') or '')
end }
