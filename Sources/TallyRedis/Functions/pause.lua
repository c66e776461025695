-- pause: a paused queue hands out no leases; pushes, promotions and reclaims go on.
--
-- ARGV[3]  queue; ARGV[4] '1' pause, '0' go on
-- Keys     reads queues, wake; writes paused, wake
-- Returns  now, epoch, held
-- Log      nothing
-- Repeat   changes nothing
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'pause', flags = { 'allow-oom' }, callback = function(keys, args)
  if not args[3] or args[3] == '' or args[4] ~= '0' and args[4] ~= '1' then
    refuse('name a queue, then 1 to pause it or 0')
  end
  local c = begin(keys, args)
  local key = c.p .. K.paused
  if args[4] == '1' then answer_of(key, redis.pcall('SADD', key, args[3]))
  else
    -- Read before it goes on: what comes last is a wake, which nothing stops.
    local has_jobs = redis.call('SISMEMBER', c.p .. K.queues, args[3]) == 1
    answer_of(key, redis.pcall('SREM', key, args[3]))
    if has_jobs then wake(c, args[3]) end
  end
  return reply(c)
end }
