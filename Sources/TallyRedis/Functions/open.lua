-- open: ends the hold of an epoch, if it is still the current one.
--
-- ARGV[3]  epoch
-- Keys     reads queues, wake; writes meta, wake
-- Returns  now, epoch, held
-- Log      nothing
-- Repeat   changes nothing: the epoch is not held any more
-- Cost     O(queues)
redis.register_function { function_name = NAME .. 'open', flags = { 'allow-oom' }, callback = function(keys, args)
  local epoch = whole(args[3], 0, LATEST, 'epoch')
  local c = begin(keys, args)
  if c.held and c.epoch == epoch then
    local queues = redis.call('SMEMBERS', c.p .. K.queues)
    redis.call('HSET', c.p .. K.meta, 'held', '0', 'opened', text(c.real_now))
    c.held = false
    for _, queue in ipairs(queues) do wake(c, queue) end
  end
  return reply(c)
end }
