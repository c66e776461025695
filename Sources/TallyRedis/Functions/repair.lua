-- repair: compare-and-set repairs of the reconciler, one after another; each is made or not, whatever becomes of the
-- others.
--
-- ARGV[3]  token of the lease to repair ('' = none), which must be that of fence.lua
-- ARGV[4…] a repair: epoch, id, code, seen, action [, job] [, why]; up to Limits.sweepPerCall of them
--          epoch   in which the reconciler looked
--          code    of the drift
--          seen    '-' absent, or 'H' held / 'E' ended .. status .. version (4)
--          action  'P' push                     'B' .. status .. version (4)  leave; `why` follows, '' = no error
--                  'T' tell the end again       'S' .. '1' or '0'  tell how it stands, with its record or without
--                  'W' .. run_at (8)  wait until then, pending or not   'R' write its record again
--                  'C' reclaim its lease, which has run out         'M' promote it, for it is due
--                  'G' .. state .. crashes (4) .. place  the record of an id that stands in a structure without one
--                  'X' .. place  what has no record any more, here or in the ledger, goes, and ends as failed: an
--                                id without a record, or a held job whose record is damaged
--                  place = its element (20), or its token (28)
--          job     of P, R, G and X: head, record [, large body], as in push.lua
-- Keys     reads meta, log, body, large, detours, ready, parked, parkings, due, leases, queues, later, outdated,
--          unique, homes, tombs, wake; writes meta, log, body, large, detours, ready, parked, parkings, due, leases,
--          queues, later, outdated, unique, homes, tombs, wake
-- Returns  now, epoch, held, for each repair '1' made or '0' not: raced, or it needs a key over which a foreign hand
--          has written, and which only a person frees
-- Log      for each one made: D by reconciler:<code>, with the one move; C and M for what was reclaimed and promoted
-- Repeat   answers '0' where the repair has moved the job. T, S, W and R leave it as it was seen: they write the same
--          once more, and the ledger's row stays as it is
-- Cost     O(log n) each; O(length of its list) for an id without a record, and for a pending job that shall wait
local PUSHES, BARE = 'PRGX', 'TCM'

-- Detail 3 of a repair: all that the ledger's row says of a job, and its record where the ledger lacks it.
local function standing(c, id, d, with_record)
  local waits = d.state == 's' or d.state == 'r'
  local detail = '\3' .. struct.pack('>I8I4I4I4', waits and d.run_at or 0, d.attempts, d.crashes, #d.error) .. d.error
  if not with_record then return detail end
  return detail .. struct.pack('>I4', #d.record) .. d.record .. large_body(c, id)
end

local function write_record(c, job)
  redis.call('HSET', c.p .. K.body, job.id, job.record)
  if job.large then redis.call('HSET', c.p .. K.large, job.id, job.large)
  else unless_damaged('HDEL', c.p .. K.large, job.id) end
end

-- Where an id without a record stands: the key of its place, or nil, and whether it is parked there.
local function place_of(c, place, record)
  if #place == 28 then return redis.call('ZSCORE', c.p .. K.leases, place) and c.p .. K.leases end
  if redis.call('ZSCORE', c.p .. K.due, place) then return c.p .. K.due end
  local key = ready_key(c, queue_of(record), priority_of(record))
  length_of(c, key)
  if redis.call('LPOS', key, place) then return key end
  -- Of what nobody has a record of nobody knows the type either.
  for name in (c.parked or ''):gmatch('[^%z]+') do
    key = parked_key(c, queue_of(record), priority_of(record), name)
    if length_of(c, key) > 0 and redis.call('LPOS', key, place) then return key, true end
  end
end

-- Its place in a list stays: an outdated element is dropped when it is popped.
local function take_out(c, id, d)
  if d.token then redis.call('ZREM', c.p .. K.leases, d.token) end
  if d.state == 'p' then count_up(c, K.outdated, queue_of(d.record), 1)
  else wait_no_more(c, queue_of(d.record), element_of(id, d.version)) end
end

local repairs = {}

function repairs.P(c, r)
  -- A worker may hold it still, if only its body is gone.
  local before = version_of(r.job.element) - 1
  if not r.d and before > 0 and redis.call('ZSCORE', c.p .. K.leases, token_of(r.id, before, c.epoch)) then
    return false
  end
  local letters = judge_pushes(c, { r.job })
  if letters[1] ~= 'P' then return false end
  push_jobs(c, { r.job }, letters, 'D', r.actor)
  return true
end

function repairs.B(c, r)
  local status, version, d = r.action:sub(2, 2), (struct.unpack('>I4', r.action, 3)), r.d
  if d then take_out(c, r.id, d) end
  drop_tombstones(c, { r.id })
  leave(c, { r.id, status, struct.pack('>I4', version) }, not d)
  append(c, 'D', r.actor, move(element_of(r.id, version), d and d.state or '-', status, r.why and '\4' .. r.why))
  return true
end

function repairs.T(c, r)
  if not r.tombstone then return false end
  append(c, 'D', r.actor, move(element_of(r.id, r.tombstone.version), '-', r.tombstone.status, ''))
  return true
end

function repairs.S(c, r)
  if not r.d then return false end
  append(c, 'D', r.actor, move(element_of(r.id, r.d.version), r.d.state, r.d.state,
    standing(c, r.id, r.d, r.action == 'S1')))
  return true
end

function repairs.W(c, r)
  local d = r.d
  if not d or d.state == 'l' then return false end
  local from = d.state
  if from == 'p' then
    -- What is known of it was lost, and its time with it: it may stand in its list, or nowhere.
    local list = ready_key(c, queue_of(d.record), priority_of(d.record))
    if length_of(c, list) > 0 then redis.call('LREM', list, 0, element_of(r.id, d.version)) end
    if c.parked then
      local parking = parked_key(c, queue_of(d.record), priority_of(d.record), type_of(d.record))
      if length_of(c, parking) > 0 then
        local gone = redis.call('LREM', parking, 0, element_of(r.id, d.version))
        if gone > 0 then count_up(c, K.parkings, queue_of(d.record), -gone) end
      end
    end
    d.state = d.attempts > 0 and 'r' or 's'
  end
  d.run_at = (struct.unpack('>I8', r.action, 2))
  put(c, r.id, d)
  -- Out and in again, since among those that are counted its place may change.
  wait_no_more(c, queue_of(d.record), element_of(r.id, d.version))
  wait_until(c, queue_of(d.record), element_of(r.id, d.version), d.run_at)
  wake(c, queue_of(d.record))
  append(c, 'D', r.actor, move(element_of(r.id, d.version), from, d.state, standing(c, r.id, d, false)))
  return true
end

function repairs.R(c, r)
  if not r.d then return false end
  write_record(c, r.job)
  append(c, 'D', r.actor, move(element_of(r.id, r.d.version), r.d.state, r.d.state, ''))
  return true
end

function repairs.G(c, r)
  if r.d or not place_of(c, r.place, r.job.record) then return false end
  local run_at, attempts = struct.unpack('>I8I4', r.job.head, 22)
  local state, version = r.action:sub(2, 2), version_of(r.place)
  -- What is left of it may say that it was changed, and has not begun.
  local left = read_detour(redis.call('HGET', c.p .. K.detours, r.id))
  local is_unbegun = left and left.state ~= 'l' and left.version == version and left.epoch == 1
  -- An account that misses it has it back; one that was begun while its record was lost has it enter.
  local a = account_of(c)
  if redis.call('HLEN', c.p .. K.body) + a.c + a.f + a.x >= a.base + a.entered then entered(c, 1) end
  put(c, r.id, { state = state, version = version, attempts = attempts,
    crashes = (struct.unpack('>I4', r.action, 3)), flag = 0, run_at = run_at, failed_at = 0, error = '',
    epoch = #r.place == 28 and (struct.unpack('>I8', r.place, 21)) or is_unbegun and 1 or 0 })
  write_record(c, r.job)
  redis.call('SADD', c.p .. K.queues, queue_of(r.job.record))
  append(c, 'D', r.actor, move(r.place:sub(1, 20), '-', state, ''))
  return true
end

function repairs.X(c, r)
  local d = { state = 'f', run_at = 0, attempts = 0, crashes = 0, error = 'body_missing', record = r.job.record }
  if r.d then
    if r.d.version ~= version_of(r.place) then return false end
    take_out(c, r.id, r.d)
    d.attempts, d.crashes = r.d.attempts, r.d.crashes
    d.error = 'corrupt: its record is damaged, and the ledger has none'
  else
    local key, is_parked = place_of(c, r.place, r.job.record)
    if not key then return false end
    if key == c.p .. K.leases then redis.call('ZREM', key, r.place)
    elseif key == c.p .. K.due then wait_no_more(c, queue_of(r.job.record), r.place)
    else
      local gone = redis.call('LREM', key, 0, r.place)
      if is_parked then count_up(c, K.parkings, queue_of(r.job.record), -gone) end
    end
  end
  drop_tombstones(c, { r.id })
  leave(c, { r.id, 'f', r.place:sub(17, 20) }, not r.d)
  append(c, 'D', r.actor, move(r.place:sub(1, 20), r.d and r.d.state or '-', 'f', standing(c, r.id, d, true)))
  return true
end

function repairs.C(c, r)
  local d = r.d
  if c.is_frozen or not d or not d.expiry or tonumber(d.expiry) > c.now then return false end
  return take_back(c, { d.token }, r.actor) == 1
end

function repairs.M(c, r)
  local element = r.d and element_of(r.id, r.d.version)
  local due = element and redis.call('ZSCORE', c.p .. K.due, element)
  if not due or tonumber(due) > c.now then return false end
  return make_ready(c, { element }, r.actor) == 1
end

-- The repair at args[at] and where the next one begins: everything that its arguments alone decide.
local function read_repair(args, at)
  local epoch, id, code, seen, action = whole(args[at], 0, LATEST, 'epoch'), unpack(args, at + 1, at + 4)
  check_id(id)
  if not action or #code > 40 then refuse('a repair has its drift code, what was seen and one action') end
  local r = { epoch = epoch, id = id, seen = seen, action = action, actor = 'reconciler:' .. code }
  r.letter = action:sub(1, 1)
  if not repairs[r.letter] then refuse('no such action') end
  at = at + 5
  if PUSHES:find(r.letter, 1, true) then
    r.job, at = read_job(args, at, 1)
    if r.job.id ~= id then refuse('a push repairs the job that it names') end
  end
  if r.letter == 'B' then
    if #action ~= 6 or not ENDS[action:sub(2, 2)] then refuse('only completed, failed and cancelled are ends') end
    local why = args[at]
    at = at + 1
    if not why or #why > DETAIL then refuse('an end has an error of bounded length, or none') end
    if why ~= '' then r.why = why end
  elseif r.letter == 'G' or r.letter == 'X' then
    r.place = action:sub(r.letter == 'G' and 7 or 2)
    if #r.place ~= 20 and #r.place ~= 28 or r.place:sub(1, 16) ~= id then refuse('a place names its job') end
    if r.letter == 'G' and not ('plsr'):find(action:sub(2, 2), 1, true) then
      refuse('an id without a record has a live state')
    end
  elseif r.letter == 'W' and (#action ~= 9 or action:byte(2) ~= 0)
    or r.letter == 'S' and action ~= 'S0' and action ~= 'S1'
    or (BARE .. 'PR'):find(r.letter, 1, true) and #action ~= 1 then
    refuse('that action says something else')
  end
  return r, at
end

-- What is left until a person has looked (attach.lua) stops only the repair that needs it.
local function is_stopped(c, r)
  if not r.job then return false end
  if r.job.large and not is_kind(c.p .. K.large, 'hash') then return true end
  return r.job.unique and not (is_kind(c.p .. K.homes, 'hash') and is_kind(c.p .. K.unique, 'hash'))
end

local function is_made(c, r)
  if c.epoch ~= r.epoch then return false end
  r.d, r.tombstone = current(c, r.id), tombstone_of(c, r.id)
  local seen = '-'
  if r.d then seen = 'H' .. r.d.state .. struct.pack('>I4', r.d.version)
  elseif r.tombstone then seen = 'E' .. r.tombstone.status .. struct.pack('>I4', r.tombstone.version) end
  if r.job and not is_readable(c, r.job.record) then return false end
  if is_stopped(c, r) then return false end
  return seen == r.seen and repairs[r.letter](c, r)
end

-- Whatever else a repair may come to is asked about before the first of them: one that broke off behind others would
-- leave these in the log, and not in the account.
local function check_repairs(c)
  need(c.p .. K.body, 'hash')
  need(c.p .. K.detours, 'hash')
  need(c.p .. K.due, 'sorted set')
  need(c.p .. K.leases, 'sorted set')
  need(c.p .. K.queues, 'set')
  need(c.p .. K.tombs .. 'a', 'hash')
  need(c.p .. K.tombs .. 'b', 'hash')
  need(c.p .. K.outdated, 'hash')
  need(c.p .. K.later, 'hash')
end

redis.register_function { function_name = NAME .. 'repair', callback = function(keys, args)
  local wanted, at = {}, 4
  while at <= #args or at == 4 do
    if #wanted == SWEEP then refuse('more than ' .. SWEEP .. ' repairs a call') end
    wanted[#wanted + 1], at = read_repair(args, at)
  end
  local c = begin(keys, args)
  check_fence(c, args[3])
  check_repairs(c)
  local made, seq = {}, c.seq
  for i, r in ipairs(wanted) do made[i] = is_made(c, r) and '1' or '0' end
  if c.seq > seq then finish(c) end
  return reply(c, table.concat(made))
end }
