-- promote: makes due jobs runnable, in order of (due time, element). Due at exactly now is due.
--
-- ARGV[3]  at most so many
-- Keys     reads meta, log, body, detours, ready, parked, due, queues, later, wake; writes meta, log, detours, ready,
--          parkings, due, queues, later, wake
-- Returns  now, epoch, held, number promoted
-- Log      M
-- Repeat   moves the next jobs that are due; a lost answer loses only the number
-- Cost     O(log n + promoted)
local function make_ready(c, elements, actor)
  local ids = {}
  for i, element in ipairs(elements) do ids[i] = element:sub(1, 16) end
  local records = redis.call('HMGET', c.p .. K.body, unpack(ids))
  local detours = redis.call('HMGET', c.p .. K.detours, unpack(ids))
  local lines, moves, queues, going = {}, {}, {}, {}
  for i, element in ipairs(elements) do
    local d = detours[i] and read_detour(detours[i])
    if records[i] and d and (d.state == 's' or d.state == 'r') and d.version == version_of(element) then
      moves[#moves + 1] = move(element, d.state, 'p', '')
      d.state = 'p'
      going[i] = d
      line_up(c, lines, records[i], element)
    end
  end
  name_queues_of(c, lines)
  for i, element in ipairs(elements) do
    local queue = records[i] and queue_of(records[i])
    if is_counted(c, element, -1) and queue then queues[queue] = (queues[queue] or 0) - 1 end
    if c.recount then redis.call('ZREM', c.p .. K.due, element) end
    if going[i] then put(c, ids[i], going[i]) end
  end
  if not c.recount then redis.call('ZREM', c.p .. K.due, unpack(elements)) end
  for queue, by in pairs(queues) do count_up(c, K.later, queue, by) end
  push_lines(c, lines)
  if #moves > 0 then append(c, 'M', actor, table.concat(moves)) end
  return #moves
end

local function due_elements(c, limit)
  return redis.call('ZRANGEBYSCORE', c.p .. K.due, '-inf', text(c.now), 'LIMIT', 0, limit)
end

-- Goes on counting `later`, where an older program has moved jobs without.
local function recount_later(c, limit)
  if not c.recount then return end
  if c.recounted == -1 then keep_recount(c) end
  local elements = redis.call('ZRANGE', c.p .. K.due, c.recount, c.recount + limit - 1)
  local bytes, done = 0, 0
  while done < #elements and bytes < BODY_BYTES do
    done = done + 1
    local record = redis.call('HGET', c.p .. K.body, elements[done]:sub(1, 16))
    if record then
      bytes = bytes + #record
      count_up(c, K.later, queue_of(record), 1)
    end
  end
  c.recount = (done == limit or done < #elements) and c.recount + done or nil
end

-- Goes on naming the queues that have jobs, and counting what is parked of them, where their names or counts were
-- lost (attach.lua): those of some records a sweep, behind a cursor that `meta` keeps. A queue of which nothing waits
-- leaves them again (walk.lua).
local function name_queues(c, limit)
  local cursor = redis.call('HGET', c.p .. K.meta, 'naming')
  if not cursor then return end
  local step = redis.call('HSCAN', c.p .. K.body, cursor:match('^%d+$') or '0', 'COUNT', limit)
  local seen = {}
  for i = 2, #step[2], 2 do
    local queue = queue_of(step[2][i])
    if queue ~= '' and not seen[queue] then
      seen[queue] = true
      if redis.call('SADD', c.p .. K.queues, queue) == 1 then wake(c, queue) end
      count_parked_anew(c, queue)
    end
  end
  if step[1] == '0' then redis.call('HDEL', c.p .. K.meta, 'naming')
  else redis.call('HSET', c.p .. K.meta, 'naming', step[1]) end
end

redis.register_function { function_name = NAME .. 'promote', flags = { 'allow-oom' }, callback = function(keys, args)
  local limit = whole(args[3], 0, LATEST, 'limit')
  local c = begin(keys, args)
  local elements = due_elements(c, math.min(limit, JOBS_PER_CALL))
  -- What the steps behind the first one come to.
  need(c.p .. K.body, 'hash')
  need(c.p .. K.queues, 'set')
  local count = #elements == 0 and 0 or make_ready(c, elements, '')
  recount_later(c, JOBS_PER_CALL)
  name_queues(c, SWEEP)
  finish(c)
  return reply(c, count)
end }
