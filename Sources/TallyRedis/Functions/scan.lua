-- scan: ids that the queue holds, a step at a time, and what a foreign hand has put among ids, here or elsewhere. An
-- id may come twice; one that is held throughout comes.
--
-- ARGV[3]  cursor, '0' to begin; ARGV[4] about so many
-- ARGV[5]  'large', 'detours', 'tombs:a' or 'tombs:b': among those, whose ids are not told; absent = the records
-- Keys     reads body, large, detours, tombs
-- Returns  now, epoch, held, next cursor ('0' = the end), ids as one string, then the beginnings of names that are no
--          ids and that a foreign hand has put among them: a few, for there may be millions
-- Log      nothing
-- Repeat   only reads
-- Cost     O(count)
do -- As in change.lua: the library has few locals left.
-- Names without their values, where the server can leave these out: Redis from 7.4 on, Valkey from 8 on. Elsewhere
-- they are read as well, so no more than `most` at a time. A key of another type is told by foreign.lua.
local function names_in(key, cursor, count, most)
  local step, stride = redis.pcall('HSCAN', key, cursor, 'COUNT', text(count), 'NOVALUES'), 1
  if step.err then
    step, stride = unless_damaged('HSCAN', key, cursor, 'COUNT', text(math.min(count, most))), 2
  end
  if not step then return '0', {} end
  local names = {}
  for i = 1, #step[2], stride do names[#names + 1] = step[2][i] end
  return step[1], names
end

-- What of these names is an id, and the beginnings of some that are none.
local function sort_out(names)
  local ids, others = {}, {}
  for _, name in ipairs(names) do
    if #name == 16 then ids[#ids + 1] = name
    elseif #others < EVENTS then others[#others + 1] = name:sub(1, 64) end
  end
  return ids, others
end

local function look_among(c, key, cursor, count, most)
  local following, names = names_in(key, cursor, count, most)
  local _, others = sort_out(names)
  return reply(c, following, '', unpack(others))
end

redis.register_function { function_name = NAME .. 'scan', flags = { 'allow-oom' }, callback = function(keys, args)
  local cursor, place = args[3], args[5]
  whole(cursor, 0, math.huge, 'cursor')
  local count = whole(args[4], 1, 100000, 'count')
  if place and place ~= 'large' and place ~= 'detours' and place ~= 'tombs:a' and place ~= 'tombs:b' then
    refuse('no ids stand there')
  end
  local c = begin(keys, args)
  -- Each may be of the largest kind, and all of them are in memory together.
  if place == 'large' then return look_among(c, c.p .. K.large, cursor, count, RESERVE_BYTES / BODY_BYTES) end
  if place == 'detours' then return look_among(c, c.p .. K.detours, cursor, count, count) end
  if place == 'tombs:a' then return look_among(c, c.p .. K.tombs .. 'a', cursor, count, count) end
  if place == 'tombs:b' then return look_among(c, c.p .. K.tombs .. 'b', cursor, count, count) end
  local step = redis.call('HSCAN', c.p .. K.body, cursor, 'COUNT', args[4])
  local names = {}
  for i = 1, #step[2], 2 do names[#names + 1] = step[2][i] end
  local ids, others = sort_out(names)
  return reply(c, step[1], table.concat(ids), unpack(others))
end }
end
