-- reserve: leases runnable jobs, and ends those whose use is over before they began. Reclaims and promotes a bounded
-- number first.
--
-- ARGV[3]  at most so many; ARGV[4] length of the leases, µs; ARGV[5] the worker; ARGV[6…] queues, in this order
-- Keys     reads log, body, large, detours, ready, parked, parkings, due, leases, queues, paused, turns, later,
--          unique, tombs, wake, workers; writes meta, log, body, large, detours, ready, parked, parkings, due,
--          leases, queues, turns, later, outdated, unique, tombs, wake
-- Returns  now, epoch, held, next due time or expiry ('' = none), how many workers report (0 unless nothing was
--          leased), '1' = more waits of a queue of which as many were parked as one call may, then of each job:
--          token, record, detour ('' = none). Fewer than could be had once the records reach RESERVE_BYTES; then, as
--          where so many were parked, the queue's wake token is passed on
-- Log      X, detail: why, for what has ended; L by the worker; C and M for what was reclaimed and promoted
-- Repeat   leases other jobs. The leases of an answer that was lost run out, and each counts as a crash of its job
-- Cost     O(jobs leased), whatever the backlog; while types are paused O(queues × SWEEP) more

local LEASED = 'pl' .. ZERO4

-- Ends jobs that have never been leased and may not begin any more. Over damaged tombstones nothing can end: the jobs
-- go back to their lists, as they stood, for a call that breaks off here would lose what it has moved before.
local function end_over(c, over)
  if #over == 0 then return end
  local ended, can_end = {}, is_kind(c.p .. K.tombs .. c.gen, 'hash')
  for _, job in ipairs(over) do
    if can_end then
      ended[#ended + 1], ended[#ended + 2], ended[#ended + 3] = job.element:sub(1, 16), 'x', job.element:sub(17)
      c.over[#c.over + 1] = move(job.element, 'p', 'x', 'expired')
    else
      local queue, priority = queue_of(job.record), priority_of(job.record)
      redis.call('RPUSH', ready_key(c, queue, priority), job.element)
    end
  end
  leave(c, ended)
end

-- Leases the popped elements that are not outdated. Answers how many, the bytes of their records, how many were over
-- instead, and how many were parked since their type is paused.
local function lease(c, popped, expiry, out, moves)
  local ids, doubles, second = {}, {}, struct.pack('>I4I8', 2, c.epoch)
  for i = 1, #popped do
    local id = popped[i]:sub(1, 16)
    ids[i] = id
    doubles[i] = id .. second
  end
  local records = redis.call('HMGET', c.p .. K.body, unpack(ids))
  local detours = c.any_detours and redis.call('HMGET', c.p .. K.detours, unpack(ids)) or {}
  local leased = redis.call('ZMSCORE', c.p .. K.leases, unpack(doubles))
  local grants, seen, over, count, at, filled, bytes = {}, {}, {}, 0, #out, #moves, 0
  local lists, parked = {}, 0
  for i = 1, #popped do
    local version = version_of(popped[i])
    local d = detours[i] and read_detour(detours[i])
    local fits
    if d then fits = d.state == 'p' and d.version == version
    else fits = version == 1 and not leased[i] end
    local name = c.types and records[i] and type_of(records[i])
    local is_new = version == 1 or d and d.epoch == 1
    if records[i] and fits and not seen[ids[i]] and is_new and is_over(records[i], c.now) then
      seen[ids[i]] = true
      over[#over + 1] = { element = popped[i], record = records[i] }
    elseif name and fits and has_name(c.types, name) then
      note_parked(lists, records[i], name, popped[i])
      parked = parked + 1
    elseif records[i] and fits and not seen[ids[i]] then
      seen[ids[i]] = true
      count = count + 1
      bytes = bytes + #records[i]
      local token = version == 1 and doubles[i] or token_of(ids[i], version + 1, c.epoch)
      grants[2 * count - 1], grants[2 * count] = expiry, token
      out[at + 1], out[at + 2], out[at + 3] = token, records[i], d and detours[i] or ''
      at = at + 3
      if d then
        d.state, d.version, d.epoch = 'l', version + 1, c.epoch
        put(c, ids[i], d)
      end
      filled = filled + 1
      moves[filled] = token:sub(1, 20) .. LEASED
    end
  end
  if #grants > 0 then redis.call('ZADD', c.p .. K.leases, unpack(grants)) end
  -- First, since they stand nowhere now: what is over may meet a place of another type.
  park(c, lists)
  end_over(c, over)
  return count, bytes, #over, parked
end

-- Leases up to `need` jobs of a queue. A list is popped before its records are known, so never more at once than
-- could all be of the largest kind. While a type is paused a bounded number of each queue is parked in one call.
-- Answers how many were leased and popped, the bytes that are left, and whether that bound has ended it.
local function take(c, queue, need, left, expiry, out, moves)
  local leased, taken, spare = 0, 0, SWEEP
  while taken < need do
    local window = math.min(need - taken, math.floor(left / INLINE_BYTES))
    if c.types then window = math.min(window, spare) end
    if window < 1 then break end
    local popped = pop(c, queue, window)
    if #popped > 0 then
      local count, bytes, over, parked = lease(c, popped, expiry, out, moves)
      local kept = count + over + parked
      if kept < #popped then count_up(c, K.outdated, queue, kept - #popped) end
      leased, taken, left = leased + count, taken + #popped - parked, left - bytes
      spare = spare - parked
    end
    if #popped < window then break end
  end
  return leased, taken, left, spare < 1
end

-- Wakes somebody where more waits of a queue. Answers whether it does.
local function pass_on(c, queue)
  for p = 0, 3 do
    if redis.call('EXISTS', ready_key(c, queue, p)) == 1 then
      wake(c, queue)
      return true
    end
  end
  return false
end

-- The earliest score of a wanted queue. Each that is looked at costs the reading of a record, so only the first few
-- are: if none of them is wanted, no wanted one comes before the last.
local function next_of(c, key, wanted)
  local found = redis.call('ZRANGE', c.p .. key, 0, wanted and EVENTS - 1 or 0, 'WITHSCORES')
  if #found == 0 or not wanted then return tonumber(found[2]) end
  local ids = {}
  for i = 1, #found, 2 do ids[#ids + 1] = found[i]:sub(1, 16) end
  for i, record in ipairs(redis.call('HMGET', c.p .. K.body, unpack(ids))) do
    if record and wanted[queue_of(record)] then return tonumber(found[2 * i]) end
  end
  return #ids == EVENTS and tonumber(found[#found]) or nil
end

-- An idle worker is told of its own queues alone: it would wake for nothing at the others'.
local function next_event(c, wanted)
  local due, expiry = next_of(c, K.due, wanted), next_of(c, K.leases, wanted)
  if expiry and c.is_frozen then expiry = math.max(expiry, c.frozen_until) end
  if due and expiry then return text(math.min(due, expiry)) end
  if due or expiry then return text(due or expiry) end
  return ''
end

-- Of a set that a foreign hand has written over nobody knows which queues were paused: none hands out.
local function is_paused(c, queue)
  local key = c.p .. K.paused
  return answer_of(key, redis.pcall('SISMEMBER', key, queue)) == 1
end

-- What the steps of a reserve come to is read before the first of them writes: one that broke off behind another
-- would leave what that one has moved without an account, and what was popped nowhere. Answers whether the first
-- queue is paused, which it has to ask anyway, and what is due.
local function check_reserve(c, queue)
  local elements, is_first_paused = due_elements(c, SWEEP), false
  if #elements > 0 then need(c.p .. K.queues, 'set') end
  if not c.held then
    is_first_paused = is_paused(c, queue)
    -- A reclaim reads the leases, unless it takes back nothing.
    if c.is_frozen then need(c.p .. K.leases, 'sorted set') end
    need(c.p .. K.body, 'hash')
  end
  return is_first_paused, elements
end

redis.register_function { function_name = NAME .. 'reserve', flags = { 'allow-oom' }, callback = function(keys, args)
  local limit, length = whole(args[3], 0, LATEST, 'limit'), whole(args[4], 1, LATEST / 2, 'the length of a lease')
  if args[5] == '' or #args < 6 or #args > 5 + QUEUES then
    refuse('name the worker and 1 to ' .. QUEUES .. ' queues')
  end
  local c = begin(keys, args)
  local is_first_paused, elements = check_reserve(c, args[6])
  reclaim(c, SWEEP)
  if #elements > 0 then make_ready(c, elements, '') end
  local out, moves, wanted, workers, is_cut = {}, {}, nil, 0, false
  c.over = {}
  if not c.held then
    limit = math.min(limit, JOBS_PER_CALL)
    local expiry = text(c.now + length)
    -- Asked now, since what was taken back has a detour. Its length, not whether it is there: where nothing was, this
    -- is the first to read it, and of another type it breaks off before an element is popped.
    c.any_detours = redis.call('HLEN', c.p .. K.detours) > 0
    local count, left = 0, RESERVE_BYTES
    for i = 6, #args do
      local need = limit - count
      if need <= 0 then break end
      local is_closed = is_first_paused
      if i > 6 then is_closed = is_paused(c, args[i]) end
      if not is_closed then
        local leased, taken, has_parked_most
        bring_rest_back(c, args[i])
        leased, taken, left, has_parked_most = take(c, args[i], need, left, expiry, out, moves)
        count = count + leased
        -- The wake token is passed on only after a full batch: more may wait, and this worker has its hands full.
        if taken == need or left < INLINE_BYTES or has_parked_most then
          is_cut = pass_on(c, args[i]) and has_parked_most or is_cut
        end
      end
    end
    if #c.over > 0 then append(c, 'X', '', table.concat(c.over)) end
    if #moves > 0 then append(c, 'L', args[5], table.concat(moves)) end
  end
  finish(c)
  if #out == 0 then
    wanted, workers = {}, redis.call('HLEN', c.p .. K.workers)
    for i = 6, #args do wanted[args[i]] = true end
  end
  return reply_list(c, out, next_event(c, wanted), text(workers), is_cut and '1' or '0')
end }
