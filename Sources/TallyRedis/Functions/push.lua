-- push: puts jobs into the queue. Jobs that belong together go in together, or none of them; no other job of the call
-- decides about them, for a call may carry what several callers sent at once.
--
-- ARGV[3]  epoch in which the push was decided; '' = created by this very call
-- ARGV[4]  when it was decided, unix µs
-- ARGV[5…] a job: head, record [, large body] [, unique key]
--          head = id (16) version (4) flags (1: 1 recorded, 2 large body, 4 unique key, 8 belongs to the job before
--          it) run_at (8) attempts (4)
--          unique key = lifetime µs (8, 0 = until terminal) queue NUL key
-- Returns  now, epoch, held, one letter a job, ids of the holders of taken keys
--          P pushed, e exists, d exists with another record, u key taken, c f x ended so, w window full, W the same
--          of a queued job, N not pushed because of a job that it belongs to, r refused, h the ledger keeps the
--          unique keys of its queue, L its record's layout may not be written yet; or error FULL
-- Log      P with every job pushed; detail: kind (0 recorded, 1 queued, 2 queued with large body) run_at (8)
--          attempts (4), then of a queued job its record, prefixed by its length where a large body follows
-- Repeat   answers e while the job is held, and how it ended while its tombstone lives; neither writes. Later a push
--          that was decided in an epoch is refused as too late; one that creates its job is pushed again, since
--          nothing remembers it
-- Cost     O(jobs)
--
-- Whether a record is long enough for its fixed fields, and they say what they may.
local function is_record(record)
  if not record or #record < 5 then return false end
  local layout, priority, crashes, flags, queue = record:byte(1, 5)
  if priority > 3 or crashes == 0 or queue == 0 then return false end
  if layout == 1 then return flags <= 1 and #record >= 66 + queue end
  return layout == 2 and flags <= 3 and #record >= fields_at(record) + 71
    and (flags < 2 or record:byte(6 + queue) > 0)
end

-- The job at args[at], the n-th of its call; answers it and where the next one begins.
local function read_job(args, at, n)
  local head = args[at] or ''
  if #head ~= 33 or head:byte(22) ~= 0 or head:sub(17, 20) == ZERO4 or not is_record(args[at + 1]) then
    refuse('job ' .. n .. ' is not a head and a record')
  end
  local job = { element = head:sub(1, 20), id = head:sub(1, 16), plain = head:sub(22) == '\0\0\0\0\0\0\0\0\0\0\0\0',
                flags = head:byte(21), head = head, record = args[at + 1] }
  at = at + 2
  if bit.band(job.flags, 2) ~= 0 then
    job.large = args[at]
    at = at + 1
    if not job.large then refuse('job ' .. n .. ' has no body') end
  end
  if bit.band(job.flags, 4) ~= 0 then
    job.unique = args[at]
    at = at + 1
    if not job.unique or #job.unique < 9 or job.unique:byte(1) ~= 0 then
      refuse('job ' .. n .. ' has no unique key')
    end
  end
  if is_apart(job.record) ~= (job.large ~= nil) then refuse('job ' .. n .. ' has not the body that it names') end
  job.recorded = bit.band(job.flags, 1) ~= 0
  return job, at
end

local function read_jobs(args)
  local jobs, at = {}, 5
  if #args > 4 + 4 * JOBS_PER_CALL then refuse('more than ' .. JOBS_PER_CALL .. ' jobs a call') end
  while at <= #args do jobs[#jobs + 1], at = read_job(args, at, #jobs + 1) end
  return jobs
end

-- Whether a record that is held is of the same job: all but the time of creation and the hash, into which that goes.
-- Each enqueue is stamped anew by the server's clock, so a repeat has another.
local function is_same(c, held, job, large)
  local record = job.record
  if held == record then return true end
  local at = fields_at(record)
  return #held == #record and held:sub(1, at - 1) == record:sub(1, at - 1)
    and held:sub(at + 8, at + 39) == record:sub(at + 8, at + 39) and held:sub(at + 48) == record:sub(at + 48)
    and (not is_apart(record) or (large or large_body(c, job.id)) == job.large)
end

-- Whether what stands at a key holds it now; and what stands there for a job that takes it.
local function is_holding(c, holder)
  return #holder == 24 and (holder:sub(17) == ZERO8 or (struct.unpack('>I8', holder, 17)) > c.now)
end
local function holder_for(c, id, unique)
  local lifetime = (struct.unpack('>I8', unique))
  return id .. (lifetime == 0 and ZERO8 or struct.pack('>I8', c.now + lifetime))
end

-- What of the job's key, as the judged jobs of this call would leave it: 'u' if it is taken, 'h' if the ledger keeps
-- the keys of its queue.
local function judge_key(c, s, job)
  local field = job.unique:sub(9)
  if redis.call('HGET', c.p .. K.homes, queue_of(job.record)) == 'r' then return 'h' end
  local holder = s.taken[field] or redis.call('HGET', c.p .. K.unique, 'k' .. field)
  if holder and is_holding(c, holder) and holder:sub(1, 16) ~= job.id then
    s.holders[#s.holders + 1] = holder:sub(1, 16)
    return 'u'
  end
  job.holder = holder_for(c, job.id, job.unique)
end

local function room_of(c, s, queue)
  if not s.room[queue] then
    s.room[queue] = WINDOW - count_pending(c, queue) - count_later(c, queue)
  end
  return s.room[queue]
end

local function judge_push(c, s, i, job)
  local version = version_of(job.element)
  if s.first[job.id] then return is_same(c, s.first[job.id].record, job, s.first[job.id].large) and 'e' or 'd' end
  for _, bytes in ipairs({ s.a[i] or '', s.b[i] or '' }) do
    -- It has ended, nobody knows how: it is pushed once its tombstone is gone, or has ended in the ledger by then.
    if bytes ~= '' and not is_tombstone(bytes) then return 'r' end
    if bytes ~= '' and (struct.unpack('>I4', bytes, 2)) >= version then return bytes:sub(1, 1) end
  end
  if s.bodies[i] then
    job.held = current(c, job.id)
    if job.held.version >= version then return is_same(c, s.bodies[i], job) and 'e' or 'd' end
  end
  if not is_readable(c, job.record) then return 'L' end
  local taken = job.unique and judge_key(c, s, job)
  if taken then return taken end
  local queue = queue_of(job.record)
  if room_of(c, s, queue) <= 0 then return job.recorded and 'w' or 'W' end
  s.room[queue] = s.room[queue] - 1
  s.first[job.id] = job
  if job.holder then s.taken[job.unique:sub(9)] = job.holder end
  return 'P'
end

-- One of those that belong together is refused: the others are not pushed, and take neither room nor key. Nor is any
-- of them there for another of the same call: not as the holder of its key, not as its like.
local REFUSES = { h = true, L = true, r = true, d = true, c = true, f = true, x = true, W = true }
local function withhold(s, jobs, letters, from, to)
  local is_refused = false
  for i = from, to do is_refused = is_refused or REFUSES[letters[i]] end
  if not is_refused then return end
  local withheld, at = {}, #s.holders
  for i = from, to do
    if letters[i] == 'P' then
      local job, queue = jobs[i], queue_of(jobs[i].record)
      letters[i] = 'N'
      withheld[job.id] = true
      s.first[job.id] = nil
      s.room[queue] = s.room[queue] + 1
      if job.holder then s.taken[job.unique:sub(9)] = nil end
    elseif letters[i] == 'e' and withheld[jobs[i].id] then letters[i] = 'N' end
  end
  for i = to, from, -1 do
    if letters[i] == 'u' then
      if withheld[s.holders[at]] then
        letters[i] = 'N'
        table.remove(s.holders, at)
      end
      at = at - 1
    end
  end
end

-- Decides every job before anything is written. Answers letters and holders.
local function judge_pushes(c, jobs)
  local ids = {}
  for i, job in ipairs(jobs) do ids[i] = job.id end
  local s = { first = {}, taken = {}, room = {}, holders = {} }
  s.bodies = redis.call('HMGET', c.p .. K.body, unpack(ids))
  s.a = redis.call('HMGET', c.p .. K.tombs .. 'a', unpack(ids))
  s.b = redis.call('HMGET', c.p .. K.tombs .. 'b', unpack(ids))
  local letters, from = {}, 1
  for i, job in ipairs(jobs) do
    if bit.band(job.flags, 8) == 0 then from = i end
    letters[i] = judge_push(c, s, i, job)
    local next = jobs[i + 1]
    if i > from and (not next or bit.band(next.flags, 8) == 0) then withhold(s, jobs, letters, from, i) end
  end
  return letters, s.holders
end

local function push_one(c, job, lines, bodies, moves)
  local from = '-'
  if not job.held then entered(c, 1)
  else
    from = job.held.state
    if job.held.token then redis.call('ZREM', c.p .. K.leases, job.held.token) end
    local queue = queue_of(job.held.record)
    if job.held.state == 'p' then count_up(c, K.outdated, queue, 1)
    else wait_no_more(c, queue, element_of(job.id, job.held.version)) end
  end
  bodies[#bodies + 1] = job.id
  bodies[#bodies + 1] = job.record
  if job.large then redis.call('HSET', c.p .. K.large, job.id, job.large) end
  if job.unique then
    local field = job.unique:sub(9)
    redis.call('HSET', c.p .. K.unique, 'k' .. field, job.holder, 'i' .. job.id, field)
    redis.call('HSETNX', c.p .. K.homes, queue_of(job.record), 'q')
  end
  local to, run_at, attempts = 'p', 0, 0
  local version = version_of(job.element)
  if not job.plain then
    run_at, attempts = struct.unpack('>I8I4', job.head, 22)
    if run_at > c.now then to = 's' end
  end
  if job.held or version ~= 1 or to == 's' or attempts > 0 then
    put(c, job.id, { state = to, version = version, attempts = attempts, crashes = 0, flag = 0, epoch = 0,
      run_at = run_at, failed_at = 0, error = '' })
  end
  if to == 's' then wait_until(c, queue_of(job.record), job.element, run_at)
  else line_up(c, lines, job.record, job.element) end
  local detail = '\0' .. (to == 's' and struct.pack('>I8', run_at) or ZERO8) .. struct.pack('>I4', attempts)
  if not job.recorded then
    if job.large then detail = '\2' .. detail:sub(2) .. struct.pack('>I4', #job.record) .. job.record .. job.large
    else detail = '\1' .. detail:sub(2) .. job.record end
  end
  moves[#moves + 1] = move(job.element, from, to, detail)
end

-- The tombstone of an earlier version must not answer for the new one.
local function drop_tombstones(c, ids)
  if #ids == 0 then return end
  redis.call('HDEL', c.p .. K.tombs .. 'a', unpack(ids))
  redis.call('HDEL', c.p .. K.tombs .. 'b', unpack(ids))
end

local function push_jobs(c, jobs, letters, verb, actor)
  local lines, bodies, moves, ids, queues = {}, {}, {}, {}, {}
  for i, job in ipairs(jobs) do
    if letters[i] == 'P' then
      push_one(c, job, lines, bodies, moves)
      ids[#ids + 1] = job.id
      local queue = queue_of(job.record)
      if not queues[queue] then
        queues[queue] = true
        redis.call('SADD', c.p .. K.queues, queue)
      end
    end
  end
  if #moves == 0 then return end
  drop_tombstones(c, ids)
  redis.call('HSET', c.p .. K.body, unpack(bodies))
  push_lines(c, lines)
  -- A new head of `due` ends the idle wait of its queue's workers, who then wait for that moment.
  for i, job in ipairs(jobs) do
    if letters[i] == 'P' and not job.plain and redis.call('ZRANK', c.p .. K.due, job.element) == 0 then
      wake(c, queue_of(job.record))
    end
  end
  append(c, verb, actor, table.concat(moves))
end

-- The common call in one pass: new jobs at version 1, to run at once, without keys or large bodies. Answers false,
-- with nothing written, when any job of the call is not such: then the way above decides.
local QUEUED, RECORDED = '\0\0\0\1\0' .. ZERO8 .. ZERO4, '\0\0\0\1\1' .. ZERO8 .. ZERO4
local TOGETHER = '\0\0\0\1\8' .. ZERO8 .. ZERO4
local QUEUED_DETAIL, RECORDED_MOVE = '\1' .. ZERO8 .. ZERO4, '-p' .. ZERO4

local function push_straight(c, args)
  if #args == 4 or #args > 4 + 2 * JOBS_PER_CALL then return false end
  local ids, count, seen = {}, 0, {}
  for at = 5, #args, 2 do
    local head, record = args[at], args[at + 1]
    local tail = head:sub(17)
    local id = head:sub(1, 16)
    if (tail ~= QUEUED and tail ~= RECORDED and tail ~= TOGETHER) or not is_record(record)
      or is_apart(record) or not is_readable(c, record) or seen[id] then
      return false
    end
    seen[id] = true
    count = count + 1
    ids[count] = id
  end
  local bodies = redis.call('HMGET', c.p .. K.body, unpack(ids))
  for i = 1, count do if bodies[i] then return false end end
  for _, gen in ipairs({ 'a', 'b' }) do
    local tombstones = c.p .. K.tombs .. gen
    if redis.call('EXISTS', tombstones) == 1 then
      local found = redis.call('HMGET', tombstones, unpack(ids))
      for i = 1, count do if found[i] then return false end end
    end
  end
  local fields, moves, m, lists, order, lengths = {}, {}, 0, {}, {}, {}
  for i = 1, count do
    local head, record = args[3 + 2 * i], args[4 + 2 * i]
    local element = head:sub(1, 20)
    fields[2 * i - 1], fields[2 * i] = ids[i], record
    -- Priority and queue stand in the record's first bytes: one list a prefix.
    local prefix = record:sub(2, 5 + record:byte(5))
    local list = lists[prefix]
    if not list then
      list = { queue = queue_of(record), priority = priority_of(record), n = 0 }
      lists[prefix] = list
      order[#order + 1] = list
    end
    list.n = list.n + 1
    list[list.n] = element
    moves[m + 1] = element
    if head:byte(21) == 1 then
      moves[m + 2] = RECORDED_MOVE
      m = m + 2
    else
      local length = #record + 13
      if not lengths[length] then lengths[length] = '-p' .. struct.pack('>I4', length) .. QUEUED_DETAIL end
      moves[m + 2], moves[m + 3] = lengths[length], record
      m = m + 3
    end
  end
  for _, list in ipairs(order) do
    -- Outdated elements count here: where these decide, the way above counts again.
    if count_listed(c, list.queue) + count_later(c, list.queue) + count > WINDOW then return false end
  end
  for _, list in ipairs(order) do
    redis.call('RPUSH', c.p .. K.ready .. list.queue .. ':' .. list.priority, unpack(list))
    redis.call('SADD', c.p .. K.queues, list.queue)
    wake(c, list.queue)
  end
  redis.call('HSET', c.p .. K.body, unpack(fields))
  entered(c, count)
  append(c, 'P', '', table.concat(moves))
  return string.rep('P', count)
end

redis.register_function { function_name = NAME .. 'push', callback = function(keys, args)
  if not args[4] then refuse('a push says when it was decided') end
  if #args > 4 + 4 * JOBS_PER_CALL then refuse('more than ' .. JOBS_PER_CALL .. ' jobs a call') end
  if args[3] ~= '' then
    whole(args[3], 0, LATEST, 'epoch')
    whole(args[4], 0, LATEST, 'issued')
  end
  local c = begin(keys, args)
  local is_late_call = args[3] ~= '' and is_late(c, args[3], args[4])
  if not is_late_call and redis.call('XLEN', c.p .. K.log) >= LOG_ENTRIES then
    return redis.error_reply('FULL the log holds ' .. LOG_ENTRIES
      .. ' entries that the ledger has not seen: does `tally serve` run, and reach Postgres? What is held goes on')
  end
  local straight = not is_late_call and push_straight(c, args)
  if straight then
    finish(c)
    return reply(c, straight, '')
  end
  local jobs = read_jobs(args)
  if #jobs == 0 or #jobs > JOBS_PER_CALL then refuse('not 1 to ' .. JOBS_PER_CALL .. ' jobs') end
  if is_late_call then return reply(c, string.rep('r', #jobs), '') end
  local letters, holders = judge_pushes(c, jobs)
  push_jobs(c, jobs, letters, 'P', '')
  finish(c)
  return reply(c, table.concat(letters), table.concat(holders))
end }
