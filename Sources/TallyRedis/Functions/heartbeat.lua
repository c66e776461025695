-- heartbeat: a worker reports itself. What its handlers have logged comes by tell.lua, and is no part of its state.
--
-- ARGV[3]  worker; ARGV[4] its state as JSON, opaque here; ARGV[5] '1' = it has stopped
-- Keys     reads meta, log, later; writes meta, log, later, workers
-- Returns  now, epoch, held, '1' = the log has room for what it tells beside its heartbeats, '0' = it has none
-- Log      H by the worker; its moves are the JSON
-- Repeat   appends one more entry; of a worker's reports the ledger keeps the last
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'heartbeat', flags = { 'allow-oom' },
  callback = function(keys, args)
  if #args ~= 5 or args[3] == '' or #args[3] > 1000 or #args[4] > DETAIL then
    refuse('a heartbeat names its worker, its state, and whether it has stopped')
  end
  local c = begin(keys, args)
  if args[5] == '1' then redis.call('HDEL', c.p .. K.workers, args[3])
  else redis.call('HSET', c.p .. K.workers, args[3], args[4]) end
  append(c, 'H', args[3], args[4])
  finish(c)
  return reply(c, take_room(c, 0) and '1' or '0')
end }
