-- pair: this shard belongs to one ledger. The first to come stays.
--
-- ARGV[3]  the ledger's id, 36 characters
-- Returns  now, epoch, held, '1' = it is this one's, '0' = another's
-- Log      nothing
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'pair', flags = { 'allow-oom' }, callback = function(keys, args)
  if not args[3] or #args[3] ~= 36 then refuse('a ledger has an id of 36 characters') end
  local c = begin(keys, args)
  redis.call('HSETNX', c.p .. ':meta', 'ledger', args[3])
  return reply(c, redis.call('HGET', c.p .. ':meta', 'ledger') == args[3] and '1' or '0')
end }
