-- scan: ids that the queue holds, a step at a time. An id may come twice; one that is held throughout comes.
--
-- ARGV[3]  cursor, '0' to begin; ARGV[4] about so many
-- Keys     reads body
-- Returns  now, epoch, held, next cursor ('0' = the end), ids as one string, then the beginnings of names that are no
--          ids and that a foreign hand has put among them: a few, for there may be millions
-- Log      nothing
-- Repeat   only reads
-- Cost     O(count)
redis.register_function { function_name = NAME .. 'scan', flags = { 'allow-oom' }, callback = function(keys, args)
  whole(args[3], 0, math.huge, 'cursor')
  whole(args[4], 1, 100000, 'count')
  local c = begin(keys, args)
  local step = redis.call('HSCAN', c.p .. K.body, args[3], 'COUNT', args[4])
  local ids, others = {}, {}
  for i = 1, #step[2], 2 do
    local name = step[2][i]
    if #name == 16 then ids[#ids + 1] = name
    elseif #others < EVENTS then others[#others + 1] = name:sub(1, 64) end
  end
  return reply(c, step[1], table.concat(ids), unpack(others))
end }
