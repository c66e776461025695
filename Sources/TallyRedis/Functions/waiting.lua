-- What waits of each queue, and how much of it.
--
-- Keys     reads ready, parkings, due, later, outdated; writes meta, due, later

-- What waits of a queue, beside the lengths of its lists: `later` counts its members of `due`, `outdated` the
-- elements of its lists whose job has left them otherwise than by a lease. To take such an element out costs
-- O(length), so it stays until it is popped.
--
-- An older program moves jobs without counting. Its entries show as a `seq` that is not `counted`; and where `due` or
-- `later` itself was lost there is no `counted` (attach.lua). Then `later` is counted anew, some members a sweep.
-- `recount` says how many are counted, from the first one on; nil = all.
local function count_up(c, name, queue, by)
  local count = unless_damaged('HINCRBY', c.p .. name, queue, by)
  if not count or count <= 0 then unless_damaged('HDEL', c.p .. name, queue) end
end

local function keep_recount(c)
  if c.recounted == -1 then remove(c, c.p .. K.later, 'hash') end
  if c.recount then redis.call('HSET', c.p .. K.meta, 'recount', text(c.recount))
  else redis.call('HDEL', c.p .. K.meta, 'recount') end
  c.recounted = c.recount
end

-- Whether the member of `due` is among those that are counted; `by` is how many these become more.
local function is_counted(c, element, by)
  if not c.recount then return true end
  local rank = redis.call('ZRANK', c.p .. K.due, element)
  if not rank or rank >= c.recount then return false end
  c.recount = c.recount + by
  return true
end

local function wait_until(c, queue, element, time)
  if redis.call('ZADD', c.p .. K.due, text(time), element) == 1 and is_counted(c, element, 1) then
    count_up(c, K.later, queue, 1)
  end
end

local function wait_no_more(c, queue, element)
  local counted = is_counted(c, element, -1)
  if redis.call('ZREM', c.p .. K.due, element) == 1 and counted then count_up(c, K.later, queue, -1) end
end

-- What is parked of types that are paused, or go on again. Where no type was paused this asks nothing.
local function count_parked(c, queue)
  return c.parked and tonumber(redis.call('HGET', c.p .. K.parkings, queue) or 0) or 0
end

-- The waiting jobs of a queue, in its lists and later.
local function count_listed(c, queue)
  local listed = count_parked(c, queue)
  for p = 0, 3 do listed = listed + length_of(c, ready_key(c, queue, p)) end
  return listed
end
local function count_pending(c, queue)
  local listed = count_listed(c, queue)
  return listed == 0 and 0 or math.max(0, listed - (tonumber(redis.call('HGET', c.p .. K.outdated, queue) or 0) or 0))
end
local function count_later(c, queue) return tonumber(redis.call('HGET', c.p .. K.later, queue) or 0) or 0 end
