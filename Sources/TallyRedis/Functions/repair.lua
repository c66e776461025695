-- repair: one compare-and-set of the reconciler.
--
-- ARGV[3]  epoch in which the reconciler looked; ARGV[4] id; ARGV[5] drift code
-- ARGV[6]  what it saw: '-' absent, or 'H' held / 'E' ended .. status .. version (4)
-- ARGV[7]  action:
--          'P' push                     'B' .. status .. version (4)  bury; an error text may follow
--          'T' tell the end again       'S' .. '1' or '0'  tell how it stands, with its record or without
--          'W' .. run_at (8)  wait until then               'R' write its record again
--          'C' reclaim its lease, which has run out         'M' promote it, for it is due
--          'G' .. state .. crashes (4) .. place  the record of a ghost: id in a structure, without a body
--          'X' .. place  what has no record any more, here or in the ledger, goes, and ends as failed: a ghost, or
--                        a held job whose record is damaged
--          place = its element (20), or its token (28)
-- ARGV[8…] of P, R, G and X: head, record [, large body], as in push.lua; of B: the error text
-- Returns  now, epoch, held, '1' made or '0' raced
-- Log      D by reconciler:<code>, with the one move; C and M for what was reclaimed and promoted
-- Cost     O(log n); O(length of its list) for a ghost
local PUSHES, BARE = 'PRGX', 'TCM'

-- Detail 3 of a repair: all that the ledger's row says of a job, and its record where the ledger lacks it.
local function standing(c, id, d, with_record)
  local waits = d.state == 's' or d.state == 'r'
  local detail = '\3' .. struct.pack('>I8I4I4I4', waits and d.run_at or 0, d.attempts, d.crashes, #d.error) .. d.error
  if not with_record then return detail end
  return detail .. struct.pack('>I4', #d.record) .. d.record .. (redis.call('HGET', c.p .. ':large', id) or '')
end

local function write_record(c, job)
  redis.call('HSET', c.p .. ':body', job.id, job.record)
  if job.large then redis.call('HSET', c.p .. ':large', job.id, job.large)
  else redis.call('HDEL', c.p .. ':large', job.id) end
end

-- Where a ghost stands: its place of the kind that `state` asks for, or nil.
local function haunts(c, place, record)
  if #place == 28 then return redis.call('ZSCORE', c.p .. ':leases', place) and 'leases' end
  if redis.call('ZSCORE', c.p .. ':due', place) then return 'due' end
  local key = 'ready:' .. queue_of(record) .. ':' .. priority_of(record)
  return redis.call('LPOS', c.p .. ':' .. key, place) and key
end

-- Its place in a list stays: an outdated element is dropped when it is popped.
local function take_out(c, id, d)
  if d.token then redis.call('ZREM', c.p .. ':leases', d.token) end
  redis.call('ZREM', c.p .. ':due', element_of(id, d.version))
end

local repairs = {}

function repairs.P(c, r)
  -- A worker may hold it still, if only its body is gone.
  local before = version_of(r.job.element) - 1
  if not r.d and before > 0 and redis.call('ZSCORE', c.p .. ':leases', token_of(r.id, before, c.epoch)) then
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
  unbury(c, { r.id })
  bury(c, { r.id, status, struct.pack('>I4', version) }, not d)
  append(c, 'D', r.actor, move(element_of(r.id, version), d and d.state or '-', status, r.why and '\4' .. r.why))
  return true
end

function repairs.T(c, r)
  if not r.tomb then return false end
  append(c, 'D', r.actor, move(element_of(r.id, r.tomb.version), '-', r.tomb.status, ''))
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
  if not d or d.state ~= 's' and d.state ~= 'r' then return false end
  d.run_at = (struct.unpack('>I8', r.action, 2))
  put(c, r.id, d)
  redis.call('ZADD', c.p .. ':due', text(d.run_at), element_of(r.id, d.version))
  wake(c, queue_of(d.record))
  append(c, 'D', r.actor, move(element_of(r.id, d.version), d.state, d.state, standing(c, r.id, d, false)))
  return true
end

function repairs.R(c, r)
  if not r.d then return false end
  write_record(c, r.job)
  append(c, 'D', r.actor, move(element_of(r.id, r.d.version), r.d.state, r.d.state, ''))
  return true
end

function repairs.G(c, r)
  if r.d or not haunts(c, r.place, r.job.record) then return false end
  local run_at, attempts = struct.unpack('>I8I4', r.job.head, 22)
  local state, version = r.action:sub(2, 2), version_of(r.place)
  put(c, r.id, { state = state, version = version, attempts = attempts,
    crashes = (struct.unpack('>I4', r.action, 3)), flag = 0, run_at = run_at, failed_at = 0, error = '',
    epoch = #r.place == 28 and (struct.unpack('>I8', r.place, 21)) or 0 })
  write_record(c, r.job)
  redis.call('SADD', c.p .. ':queues', queue_of(r.job.record))
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
    local key = haunts(c, r.place, r.job.record)
    if not key then return false end
    if key:sub(1, 5) == 'ready' then redis.call('LREM', c.p .. ':' .. key, 0, r.place)
    else redis.call('ZREM', c.p .. ':' .. key, r.place) end
  end
  unbury(c, { r.id })
  bury(c, { r.id, 'f', r.place:sub(17, 20) }, not r.d)
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
  local due = element and redis.call('ZSCORE', c.p .. ':due', element)
  if not due or tonumber(due) > c.now then return false end
  return make_ready(c, { element }, r.actor) == 1
end

-- Everything about a repair that its arguments alone decide.
local function read_repair(args)
  local epoch, id = whole(args[3], 0, LATEST, 'epoch'), args[4]
  check_id(id)
  if #args < 7 or #args > 10 or #args[5] > 40 then
    refuse('a repair has its drift code, what was seen and one action')
  end
  local r = { epoch = epoch, id = id, seen = args[6], action = args[7], actor = 'reconciler:' .. args[5] }
  r.letter = r.action:sub(1, 1)
  if not repairs[r.letter] then refuse('no such action') end
  if PUSHES:find(r.letter, 1, true) then
    local jobs = read_jobs({ '', '', '', '', unpack(args, 8) })
    if #jobs ~= 1 or jobs[1].id ~= id then refuse('a push repairs the job that it names') end
    r.job = jobs[1]
  elseif #args > (r.letter == 'B' and 8 or 7) then refuse('too much is said') end
  if r.letter == 'B' then
    if #r.action ~= 6 or not ENDS[r.action:sub(2, 2)] then
      refuse('only completed, failed and cancelled are ends')
    end
    r.why = args[8]
    if r.why and #r.why > DETAIL then refuse('the error is too long') end
  elseif r.letter == 'G' or r.letter == 'X' then
    r.place = r.action:sub(r.letter == 'G' and 7 or 2)
    if #r.place ~= 20 and #r.place ~= 28 or r.place:sub(1, 16) ~= id then refuse('a place names its job') end
    if r.letter == 'G' and not ('plsr'):find(r.action:sub(2, 2), 1, true) then refuse('a ghost has a live state') end
  elseif r.letter == 'W' and (#r.action ~= 9 or r.action:byte(2) ~= 0)
    or r.letter == 'S' and r.action ~= 'S0' and r.action ~= 'S1'
    or (BARE .. 'PR'):find(r.letter, 1, true) and #r.action ~= 1 then
    refuse('that action says something else')
  end
  return r
end

redis.register_function { function_name = 'tally_v1_repair', callback = function(keys, args)
  local r = read_repair(args)
  local c = begin(keys, args)
  if c.epoch ~= r.epoch then return reply(c, '0') end
  r.d, r.tomb = current(c, r.id), tomb_of(c, r.id)
  local seen = '-'
  if r.d then seen = 'H' .. r.d.state .. struct.pack('>I4', r.d.version)
  elseif r.tomb then seen = 'E' .. r.tomb.status .. struct.pack('>I4', r.tomb.version) end
  if seen ~= r.seen or not repairs[r.letter](c, r) then return reply(c, '0') end
  finish(c)
  return reply(c, '1')
end }
