-- What becomes of each job of a push, decided before anything is written. Repairs push too.
--
-- Keys     reads body, large, detours, ready, parkings, leases, later, outdated, unique, homes, tombs

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
-- Each enqueue is stamped anew by the server's clock, so a repeat has another. Nor does the priority tell where it
-- may have been changed since (change.lua), which is at each version but the first.
local function is_same(c, held, job, version, large)
  local record = job.record
  if held == record then return true end
  local at = fields_at(record)
  if version == 1 and held:byte(2) ~= record:byte(2) then return false end
  return #held == #record and held:byte(1) == record:byte(1) and held:sub(3, at - 1) == record:sub(3, at - 1)
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
  local homes = c.p .. K.homes
  local unique = c.p .. K.unique
  if answer_of(homes, redis.pcall('HGET', homes, queue_of(job.record))) == 'r' then return 'h' end
  local holder = s.taken[field] or answer_of(unique, redis.pcall('HGET', unique, 'k' .. field))
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
  if s.first[job.id] then return is_same(c, s.first[job.id].record, job, 1, s.first[job.id].large) and 'e' or 'd' end
  for _, bytes in ipairs({ s.a[i] or '', s.b[i] or '' }) do
    -- It has ended, nobody knows how: it is pushed once its tombstone is gone, or has ended in the ledger by then.
    if bytes ~= '' and not is_tombstone(bytes) then return 'r' end
    if bytes ~= '' and (struct.unpack('>I4', bytes, 2)) >= version then return bytes:sub(1, 1) end
  end
  if s.bodies[i] then
    job.held = current(c, job.id)
    if job.held.version >= version then return is_same(c, s.bodies[i], job, job.held.version) and 'e' or 'd' end
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
local REFUSES = { h = true, L = true, r = true, d = true, W = true }
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
