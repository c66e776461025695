-- tell: what a worker says beside its heartbeats: what its handlers have logged, and how far its jobs are. Nothing
-- depends on it, so it takes no room that jobs need: a log that grows long leaves it out, and a server without memory
-- refuses it, since this one has no `allow-oom`.
--
-- ARGV[3]  worker; ARGV[4] its state with what its handlers have logged as JSON, opaque here
-- Keys     reads meta, log, later; writes meta, log, later
-- Returns  now, epoch, held, '1' = told, '0' = left out, for the log has no room for it
-- Log      H by the worker, if told; its moves are the JSON
-- Repeat   appends one more entry; the ledger knows each line by its number
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'tell', callback = function(keys, args)
  if #args ~= 4 or args[3] == '' or #args[3] > 1000 or #args[4] > DETAIL then
    refuse('a report names its worker, and what it tells')
  end
  local c = begin(keys, args)
  if not take_room(c, #args[4]) then return reply(c, '0') end
  append(c, 'H', args[3], args[4])
  finish(c)
  return reply(c, '1')
end }
