-- push: puts jobs into the queue. Jobs that belong together go in together, or none of them; no other job of the call
-- decides about them, for a call may carry what several callers sent at once.
--
-- ARGV[3]  epoch in which the push was decided; '' = created by this very call
-- ARGV[4]  when it was decided, unix µs
-- ARGV[5…] a job: head, record [, large body] [, unique key]
--          head = id (16) version (4) flags (1: 1 recorded, 2 large body, 4 unique key, 8 belongs to the job before
--          it, 16 has not begun, whatever its version) run_at (8) attempts (4)
--          unique key = lifetime µs (8, 0 = until terminal) queue NUL key
-- Keys     reads log, body, large, detours, ready, parkings, due, leases, later, outdated, unique, homes, tombs,
--          wake; writes meta, log, body, large, detours, ready, due, leases, queues, later, outdated, unique, homes,
--          tombs, wake
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

-- What stands behind the id in the heads that take the straight way, and what the log says of their jobs.
local QUEUED, RECORDED = '\0\0\0\1\0' .. ZERO8 .. ZERO4, '\0\0\0\1\1' .. ZERO8 .. ZERO4
local TOGETHER = '\0\0\0\1\8' .. ZERO8 .. ZERO4
local QUEUED_DETAIL, RECORDED_MOVE = '\1' .. ZERO8 .. ZERO4, '-p' .. ZERO4

-- Whether one of the jobs is held, or has ended a short while ago.
local function is_any_known(c, ids)
  local bodies = redis.call('HMGET', c.p .. K.body, unpack(ids))
  for i = 1, #ids do if bodies[i] then return true end end
  for _, gen in ipairs({ 'a', 'b' }) do
    local tombstones = c.p .. K.tombs .. gen
    if redis.call('EXISTS', tombstones) == 1 then
      local found = redis.call('HMGET', tombstones, unpack(ids))
      for i = 1, #ids do if found[i] then return true end end
    end
  end
  return false
end

-- The common call in one pass: new jobs at version 1, to run at once, without keys or large bodies. Answers false,
-- with nothing written, when any job of the call is not such: then judge.lua decides, and enter.lua pushes.
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
  if is_any_known(c, ids) then return false end
  local fields, lists, order, lengths = {}, {}, {}, {}
  -- How many places of `moves` are filled: two or three a job.
  local moves, filled = {}, 0
  for i = 1, count do
    local head, record = args[3 + 2 * i], args[4 + 2 * i]
    local element = head:sub(1, 20)
    fields[2 * i - 1], fields[2 * i] = ids[i], record
    -- Priority and queue stand in the record's first bytes: one list a prefix.
    local prefix = record:sub(2, 5 + record:byte(5))
    local list = lists[prefix]
    if not list then
      list = { queue = queue_of(record), priority = priority_of(record), length = 0 }
      lists[prefix] = list
      order[#order + 1] = list
    end
    list.length = list.length + 1
    list[list.length] = element
    moves[filled + 1] = element
    if head:byte(21) == 1 then
      moves[filled + 2] = RECORDED_MOVE
      filled = filled + 2
    else
      local length = #record + 13
      if not lengths[length] then lengths[length] = '-p' .. struct.pack('>I4', length) .. QUEUED_DETAIL end
      moves[filled + 2], moves[filled + 3] = lengths[length], record
      filled = filled + 3
    end
  end
  for _, list in ipairs(order) do
    -- Outdated elements count here: where these decide, judge.lua counts again, without them.
    if count_listed(c, list.queue) + count_later(c, list.queue) + count > WINDOW then return false end
  end
  for _, list in ipairs(order) do
    -- Nothing has read this key: of another type it breaks off before an element stands in a list.
    redis.call('SADD', c.p .. K.queues, list.queue)
    redis.call('RPUSH', ready_key(c, list.queue, list.priority), unpack(list))
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
  if not is_late_call and is_log_full(c) then return log_full() end
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
