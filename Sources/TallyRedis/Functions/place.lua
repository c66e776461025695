-- place: whether jobs stand where their state says, and nowhere else; puts one right that does not.
--
-- ARGV[3]  epoch in which the reconciler looked; ARGV[4] '' = only looks, or the drift code to mend
-- ARGV[5]  token of the lease to repair ('' = none), which must be that of fence.lua
-- ARGV[6…] a job: id, a token of it that was met ('' = none), state and version (4) as seen ('' = whatever they are)
-- Keys     reads meta, log, body, large, detours, ready, parked, due, leases, queues, later, wake; writes meta, log,
--          detours, ready, parked, parkings, due, leases, queues, later, outdated, wake
-- Returns  now, epoch, held, then of each job: what is wrong ('' = nothing, or it has moved), state, version;
--          when mending, 'made' for those that were
-- Log      D by reconciler:<code>, one move a job mended
-- Repeat   finds nothing wrong with what was mended, and writes nothing
-- Cost     O(jobs × length of their lists): for suspects, not for walks

do -- As in change.lua: the library has few locals left.
local function places_of(c, id, d, token)
  local found = { element = element_of(id, d.version), parkings = 0 }
  found.key = ready_key(c, queue_of(d.record), priority_of(d.record))
  length_of(c, found.key)
  found.lined = #redis.call('LPOS', found.key, found.element, 'COUNT', 0)
  if c.parked then
    found.parked = parked_key(c, queue_of(d.record), priority_of(d.record), type_of(d.record))
    length_of(c, found.parked)
    found.parkings = #redis.call('LPOS', found.parked, found.element, 'COUNT', 0)
  end
  found.due = redis.call('ZSCORE', c.p .. K.due, found.element)
  for _, candidate in ipairs({ d.token or '', token_of(id, d.version, c.epoch), token }) do
    if not found.token and #candidate == 28 and candidate:sub(1, 20) == found.element
      and redis.call('ZSCORE', c.p .. K.leases, candidate) then
      found.token = candidate
    end
  end
  return found
end

local function wrong_with(d, at)
  local places = at.lined + at.parkings + (at.due and 1 or 0) + (at.token and 1 or 0)
  if places == 0 then return 'D10' end
  local own = d.state == 'p' and at.lined + at.parkings > 0 or d.state == 'l' and at.token
    or (d.state == 's' or d.state == 'r') and at.due
  if not own then return 'D12' end
  return places > 1 and 'D11' or ''
end

-- Nothing stays parked of a job that stands in its list, or nowhere in one; else one element of it.
local function thin_parked(c, d, at)
  local extra = at.parkings - (d.state == 'p' and at.lined == 0 and 1 or 0)
  if extra <= 0 then return end
  redis.call('LREM', at.parked, -extra, at.element)
  count_up(c, K.parkings, queue_of(d.record), -extra)
  if d.state == 'p' then count_up(c, K.outdated, queue_of(d.record), -extra) end
end

-- Into the state that membership tells: a lease before a list before a due time; then out of every other place.
local function settle_place(c, id, d, at)
  thin_parked(c, d, at)
  if d.state ~= 'p' and at.lined > 0 then redis.call('LREM', at.key, 0, at.element)
  elseif at.lined > 1 then
    redis.call('LREM', at.key, 1 - at.lined, at.element)
    -- A push at the version that a list had kept counts what it had as outdated.
    count_up(c, K.outdated, queue_of(d.record), 1 - at.lined)
  end
  if d.state ~= 's' and d.state ~= 'r' and at.due then wait_no_more(c, queue_of(d.record), at.element) end
  if d.state ~= 'l' and at.token then redis.call('ZREM', c.p .. K.leases, at.token) end
  put(c, id, d)
end

local function mend_place(c, id, d, at, code, actor)
  local from = d.state
  if code == 'D12' then
    if at.token then
      d.state, d.epoch = 'l', (struct.unpack('>I8', at.token, 21))
    elseif at.lined + at.parkings > 0 then d.state = 'p'
    else
      d.state, d.run_at = d.attempts > 0 and 'r' or 's', math.max(0, math.min(tonumber(at.due), LATEST))
    end
  elseif code == 'D10' then
    if d.state == 'l' then
      -- Nobody can hold a lease that stands nowhere: it has crashed, and runs again under a new token.
      d.state, d.crashes, d.epoch, d.run_at = 'p', d.crashes + 1, 0, 0
    end
    if d.state == 'p' then
      local lines = {}
      line_up(c, lines, d.record, at.element)
      name_queues_of(c, lines)
      push_lines(c, lines)
      at.lined = 1
    else
      wait_until(c, queue_of(d.record), at.element, d.run_at)
      at.due = text(d.run_at)
      wake(c, queue_of(d.record))
    end
  end
  settle_place(c, id, d, at)
  append(c, 'D', actor, move(at.element, from, d.state, standing(c, id, d, false)))
end

redis.register_function { function_name = NAME .. 'place', callback = function(keys, args)
  local epoch, code = whole(args[3], 0, LATEST, 'epoch'), args[4]
  if #args < 8 or (#args - 5) % 3 ~= 0 or #args > 5 + 3 * JOBS_PER_CALL or #code > 40 then
    refuse('a job has its id, a token or none, and what was seen or nothing')
  end
  for i = 6, #args, 3 do
    check_id(args[i])
    if #args[i + 1] ~= 0 and #args[i + 1] ~= 28 or #args[i + 2] ~= 0 and #args[i + 2] ~= 5 then
      refuse('a token has 28 bytes, a state and version 5')
    end
  end
  local c = begin(keys, args)
  check_fence(c, code ~= '' and args[5])
  -- What a job is mended with, and no look at it reads: behind another that was mended it would break off too late.
  if code ~= '' then need(c.p .. K.queues, 'set') end
  local out, mended = {}, false
  for i = 6, #args, 3 do
    local id, seen = args[i], args[i + 2]
    local d = current(c, id)
    local is_same = d and (seen == '' or seen == d.state .. struct.pack('>I4', d.version)) and c.epoch == epoch
    local at = is_same and places_of(c, id, d, args[i + 1])
    local wrong = at and wrong_with(d, at) or ''
    out[#out + 1] = wrong
    out[#out + 1] = d and d.state or ''
    out[#out + 1] = d and text(d.version) or ''
    if code ~= '' and wrong == code then
      mend_place(c, id, d, at, code, 'reconciler:' .. code)
      out[#out - 2] = 'made'
      mended = true
    end
  end
  if mended then finish(c) end
  return reply_list(c, out)
end }
end
