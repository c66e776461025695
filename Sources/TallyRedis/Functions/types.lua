-- types: a paused type hands out no leases, whichever queue its jobs wait in; what else waits there goes on.
--
-- ARGV[3]  'pause', 'resume', 'more' for each further step of a resume, or 'list'; ARGV[4] of all but list: the type
-- ARGV[5]  of more: the cursor that the step before has answered
-- Keys     reads meta, ready, parked, parkings, queues, wake; writes meta, ready, parked, parkings, queues, wake
-- Returns  now, epoch, held, then of list: the types; of resume and more: '1' = all is back, or it is paused again,
--          or '0', and the next cursor
-- Log      nothing
-- Repeat   changes nothing
-- Cost     O(1); of resume O(JOBS_PER_CALL), and as many calls as it takes until all is back
--
-- A type is paused for a whole shard: the names stand in `meta`, which every call reads anyway. Its jobs are met
-- where they are popped (reserve.lua), and parked (parked.lua), since a list is not known by types; so each of them
-- costs a look, once.

do -- As in change.lua: the library has few locals left.
local function with_name(names, name) return (names or '\0') .. name .. '\0' end
local function without_name(names, name)
  local at = names:find('\0' .. name .. '\0', 1, true)
  local rest = names:sub(1, at) .. names:sub(at + #name + 2)
  if #rest > 1 then return rest end
end

-- Keeps the names under `types` or `parked`.
local function keep_names(c, field, names)
  if names then redis.call('HSET', c.p .. K.meta, field, names)
  else redis.call('HDEL', c.p .. K.meta, field) end
  c[field] = names
end

local function pause_type(c, name)
  if has_name(c.types, name) then return end
  local _, count = (c.types or ''):gsub('[^%z]+', '')
  if count >= PAUSED_TYPES then refuse(PAUSED_TYPES .. ' types are paused already; let one of them go on first') end
  keep_names(c, 'types', with_name(c.types, name))
  if not has_name(c.parked, name) then keep_names(c, 'parked', with_name(c.parked, name)) end
end

-- A step of bringing back what is parked. Answers whether it was the last, and the next cursor. Whoever has paused
-- the type since the step before it wins: what is parked still stays so.
local function bring_all_back(c, name, cursor)
  if has_name(c.types, name) or not has_name(c.parked, name) then return '1', '0' end
  -- By the counts, not by `queues`: a program that knows of no parked elements forgets a queue that has no others.
  local step = redis.call('HSCAN', c.p .. K.parkings, cursor, 'COUNT', '10')
  local left = JOBS_PER_CALL
  for i = 1, #step[2], 2 do
    left = left - bring_back(c, step[2][i], name, left)
    if left <= 0 then return '0', cursor end
  end
  if step[1] ~= '0' then return '0', step[1] end
  -- A queue whose count was lost (attach.lua) may have some still: a reserve from it brings them back.
  if redis.call('HEXISTS', c.p .. K.meta, 'naming') == 0 then
    keep_names(c, 'parked', without_name(c.parked, name))
    if not c.parked then remove(c, c.p .. K.parkings, 'hash') end
  end
  return '1', '0'
end

redis.register_function { function_name = NAME .. 'types', flags = { 'allow-oom' }, callback = function(keys, args)
  local mode, name = args[3], args[4]
  if mode == 'more' then whole(args[5], 0, math.huge, 'cursor')
  elseif mode ~= 'pause' and mode ~= 'resume' and mode ~= 'list' then
    refuse('pause or resume a type, or list them')
  end
  if mode ~= 'list' and (not name or name == '' or name:find('%z')) then refuse('name a type') end
  local c = begin(keys, args)
  if mode == 'list' then
    local names = {}
    for paused in (c.types or ''):gmatch('[^%z]+') do names[#names + 1] = paused end
    return reply_list(c, names)
  end
  if mode == 'pause' then
    pause_type(c, name)
    return reply(c)
  end
  need(c.p .. K.queues, 'set')
  need(c.p .. K.parkings, 'hash')
  if mode == 'resume' and has_name(c.types, name) then keep_names(c, 'types', without_name(c.types, name)) end
  return reply(c, bring_all_back(c, name, mode == 'more' and args[5] or '0'))
end }
end
