-- fence: from now on only who carries this token repairs.
--
-- ARGV[3]  token of the lease to repair, 36 characters
-- Keys     writes meta
-- Returns  now, epoch, held
-- Log      nothing
-- Repeat   changes nothing
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'fence', flags = { 'allow-oom' }, callback = function(keys, args)
  if not args[3] or #args[3] ~= 36 then refuse('a token has 36 characters') end
  local c = begin(keys, args)
  redis.call('HSET', c.p .. K.meta, 'repairer', args[3])
  return reply(c)
end }
