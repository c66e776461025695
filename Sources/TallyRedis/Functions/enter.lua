-- Puts jobs in that were judged: record, key, place, and the log's entry.
--
-- Keys     reads log, large, detours, ready, due, wake; writes log, body, large, detours, ready, due, leases, queues,
--          later, outdated, unique, homes, tombs, wake

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
    put(c, job.id, { state = to, version = version, attempts = attempts, crashes = 0, flag = 0,
      epoch = bit.band(job.flags, 16) ~= 0 and 1 or 0, run_at = run_at, failed_at = 0, error = '' })
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

-- What no judgement has read is asked about or written first: of another type it breaks off here, with nothing of any
-- job written. The common job, at once and for the first time, has neither a detour nor a time to wait for.
local function prepare(c, jobs, letters)
  local large, queues, names, bodies, waits = c.p .. K.large, {}, {}, {}, false
  for i, job in ipairs(jobs) do
    if letters[i] == 'P' then
      local queue = queue_of(job.record)
      if not queues[queue] then
        queues[queue] = true
        names[#names + 1] = queue
      end
      if job.large then bodies[#bodies + 1] = job end
      waits = waits or not job.plain or job.held or version_of(job.element) ~= 1
    end
  end
  if waits then
    need(c.p .. K.due, 'sorted set')
    need(c.p .. K.detours, 'hash')
  end
  if #bodies > 0 then need(large, 'hash') end
  for _, queue in ipairs(names) do redis.call('SADD', c.p .. K.queues, queue) end
  for _, job in ipairs(bodies) do redis.call('HSET', large, job.id, job.large) end
end

local function push_jobs(c, jobs, letters, verb, actor)
  local lines, bodies, moves, ids = {}, {}, {}, {}
  prepare(c, jobs, letters)
  for i, job in ipairs(jobs) do
    if letters[i] == 'P' then
      push_one(c, job, lines, bodies, moves)
      ids[#ids + 1] = job.id
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
