-- What is parked: elements of paused types, each in a list of its queue, priority and type, until the type goes on.
--
-- Keys     reads ready, parked, parkings, wake; writes ready, parked, parkings, queues, wake
--
-- Such a list has its newest element first: so what is popped of it in pieces goes back before what stood behind it.
-- `parkings` counts what is parked of each queue. It also names the queues of which something is, whichever others
-- have been forgotten: a program from before it takes a queue for empty of which all is parked.

-- Each name stands between two NULs, which no name holds.
local function has_name(names, name) return names ~= nil and names:find('\0' .. name .. '\0', 1, true) ~= nil end

-- Elements of paused types are parked, in their order, until their type goes on: so they are met once, however often
-- a worker asks, and what else waits in their queue is not behind them.
local function park(c, lists)
  for _, list in ipairs(lists) do
    local parking = parked_key(c, list.queue, list.priority, list.name)
    if not unless_damaged('LPUSH', parking, unpack(list)) then
      length_of(c, parking)
      redis.call('LPUSH', parking, unpack(list))
    end
    -- A program from before it may have forgotten the queue since its push.
    unless_damaged('SADD', c.p .. K.queues, list.queue)
    count_up(c, K.parkings, list.queue, #list)
  end
end

local function note_parked(lists, record, name, element)
  local queue, priority = queue_of(record), priority_of(record)
  local place = priority .. name
  if not lists[place] then
    lists[place] = { queue = queue, priority = priority, name = name }
    lists[#lists + 1] = lists[place]
  end
  local list = lists[place]
  list[#list + 1] = element
end

-- What is parked of a type goes back before all that came since, the newest first, so that the order stays; at most
-- so many. Answers how many.
local function bring_back(c, queue, name, most)
  local count = 0
  for p = 0, 3 do
    local from = parked_key(c, queue, p, name)
    local into = ready_key(c, queue, p)
    local some = math.min(length_of(c, from), most - count)
    if some > 0 then
      length_of(c, into)
      redis.call('LPUSH', into, unpack(redis.call('LPOP', from, some)))
      count = count + some
    end
  end
  if count > 0 then
    unless_damaged('SADD', c.p .. K.queues, queue)
    count_up(c, K.parkings, queue, -count)
    wake(c, queue)
  end
  return count
end

-- Whoever let a type go on may have ended before all of it was back.
local function bring_rest_back(c, queue)
  if not c.parked or c.parked == c.types then return end
  -- Where a foreign hand has written over the counts, whatever may be parked is looked for.
  if unless_damaged('HGET', c.p .. K.parkings, queue) == false then return end
  local left = SWEEP
  for name in c.parked:gmatch('[^%z]+') do
    if not has_name(c.types, name) then left = left - bring_back(c, queue, name, left) end
  end
end

-- Counts what is parked of a queue anew, where the counts were lost (attach.lua). To be asked of each queue once.
local function count_parked_anew(c, queue)
  local parked = 0
  for name in (c.parked or ''):gmatch('[^%z]+') do
    for p = 0, 3 do parked = parked + length_of(c, parked_key(c, queue, p, name)) end
  end
  if parked > 0 then redis.call('HSET', c.p .. K.parkings, queue, parked) end
end
