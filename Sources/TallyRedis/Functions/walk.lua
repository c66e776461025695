-- walk: what stands in one structure, a step at a time, for the reconciler's structure check. What stands there
-- throughout is met; it may be met twice.
--
-- ARGV[3]  'queues', 'leases', 'due' or 'ready'; ARGV[4] cursor, '0' to begin; ARGV[5] about so many;
-- ARGV[6]  of ready: priority; ARGV[7] queue
-- Keys     reads body, detours, ready, parked, parkings, due, leases, queues, later, outdated, wake; writes ready,
--          parked, parkings, queues, turns, outdated, wake
-- Returns  now, epoch, held, next cursor ('0' = the end), then queue names; or all tokens or elements as one string,
--          and then whether each has a body ('1' or '0'); of leases and due, their scores
-- Log      nothing
-- Repeat   only reads
-- Cost     O(count); O(offset + count) in a list; O(paused types) more of each queue of which something is parked
--          and something outdated
--
-- A list is walked from its tail: what is pushed meanwhile shifts a window onto what was met, never past what was
-- not.

do -- As in change.lua: the library has few locals left.
local function bodies(c, places)
  local found = {}
  for i, place in ipairs(places) do
    found[i] = redis.call('HEXISTS', c.p .. K.body, place:sub(1, 16))
  end
  return table.concat(found)
end

-- Outdated elements at the head of a list go, a bounded number. Answers how many.
local function drop_outdated(c, key)
  local dropped = 0
  if length_of(c, key) == 0 then return 0 end
  for _, element in ipairs(redis.call('LRANGE', key, 0, SWEEP - 1)) do
    local d = current(c, element:sub(1, 16))
    if d and d.version <= version_of(element) then break end
    redis.call('LPOP', key)
    dropped = dropped + 1
  end
  return dropped
end

-- A queue of which nothing waits leaves the set. What is leased of it brings it back as it is lined up again, in the
-- same call, so no push and no retry can fall between. What is parked nobody pops while its type is paused, so what
-- is outdated there goes nowhere else.
local function forget_if_unused(c, queue)
  if redis.call('HEXISTS', c.p .. K.outdated, queue) == 1 then
    local dropped, unparked = 0, 0
    for p = 0, 3 do dropped = dropped + drop_outdated(c, ready_key(c, queue, p)) end
    if count_parked(c, queue) > 0 then
      for name in c.parked:gmatch('[^%z]+') do
        for p = 0, 3 do unparked = unparked + drop_outdated(c, parked_key(c, queue, p, name)) end
      end
    end
    if unparked > 0 then count_up(c, K.parkings, queue, -unparked) end
    if dropped + unparked > 0 then count_up(c, K.outdated, queue, -dropped - unparked) end
  end
  if c.recount or count_listed(c, queue) > 0 or redis.call('HEXISTS', c.p .. K.later, queue) == 1 then return end
  redis.call('SREM', c.p .. K.queues, queue)
  redis.call('HDEL', c.p .. K.outdated, queue)
  unless_damaged('HDEL', c.p .. K.turns, queue)
  local token = c.p .. K.wake .. queue
  -- What a foreign hand has put there goes aside.
  length_of(c, token)
  redis.call('DEL', token)
end

-- The list of a queue and priority, then what is parked of it, a list a type: each begins so far on in the cursor.
local NEXT_LIST = 1099511627776
local function walk_lists(c, queue, priority, cursor, count)
  local at, offset, names = math.floor(cursor / NEXT_LIST), cursor % NEXT_LIST, {}
  for name in (c.parked or ''):gmatch('[^%z]+') do names[#names + 1] = name end
  local list = ready_key(c, queue, priority)
  if at > 0 then list = parked_key(c, queue, priority, names[at] or '') end
  length_of(c, list)
  local found = redis.call('LRANGE', list, text(-offset - count), text(-offset - 1))
  local elements, following = {}, '0'
  for _, element in ipairs(found) do if #element == 20 then elements[#elements + 1] = element end end
  if #found == count then following = text(cursor + count)
  elseif at < #names then following = text((at + 1) * NEXT_LIST) end
  return reply(c, following, table.concat(elements), bodies(c, elements))
end

redis.register_function { function_name = NAME .. 'walk', flags = { 'allow-oom' }, callback = function(keys, args)
  local count = whole(args[5], 1, 5000, 'count')
  local offset = whole(args[4], 0, math.huge, 'cursor')
  if args[3] == 'ready' then
    whole(args[6], 0, 3, 'priority')
    if not args[7] or args[7] == '' then refuse('name the queue') end
  elseif args[3] ~= 'queues' and args[3] ~= 'leases' and args[3] ~= 'due' then refuse('no such structure') end
  local c = begin(keys, args)
  if args[3] == 'queues' then
    local step = redis.call('SSCAN', c.p .. K.queues, args[4], 'COUNT', args[5])
    for _, queue in ipairs(step[2]) do forget_if_unused(c, queue) end
    return reply_list(c, step[2], step[1])
  end
  if args[3] == 'ready' then return walk_lists(c, args[7], args[6], offset, count) end
  local step = redis.call('ZSCAN', c.p .. K[args[3]], args[4], 'COUNT', text(count))
  local members, scores = {}, {}
  local length = args[3] == 'leases' and 28 or 20
  for i = 1, #step[2], 2 do
    if #step[2][i] == length then
      members[#members + 1] = step[2][i]
      scores[#scores + 1] = step[2][i + 1]
    end
  end
  return reply(c, step[1], table.concat(members), bodies(c, members), table.concat(scores, ' '))
end }
end
