-- change: a waiting job gets another time or priority, under the next version: the element that stands for it is
-- outdated then, and is dropped when it is popped. Here a change and a reserve meet: whichever comes first decides.
--
-- ARGV[3]  id; ARGV[4] version as it was seen, '' = whichever; ARGV[5] when to run, unix µs, '' = as before;
-- ARGV[6]  its record with another priority, '' = as before: then the version must be named
-- Keys     reads log, body, large, detours, ready, due, leases, later, tombs, wake; writes meta, log, body, detours,
--          ready, due, queues, later, outdated, wake
-- Returns  now, epoch, held, letter, version: s or p as it waits now, l it runs, v it has another version, d its
--          record is another, o it may not begin any more by then, u unknown; E and the status where it has ended;
--          or error FULL
-- Log      P by `change`; detail: 3, as a repair's, without an error, and with its record where the priority changes
-- Repeat   that names the version answers v, and writes nothing; another moves the job once more, to the same place
-- Cost     O(log n)

do -- A function has at most 200 locals, and the whole library is one: what no other file calls ends with its own.
-- Whether two records are of one job but for the priority, and the hash into which that goes.
local function is_same_but_priority(held, record)
  local at = fields_at(held)
  return #held == #record and record:byte(2) < 4 and held:sub(1, 1) == record:sub(1, 1)
    and held:sub(3, at + 39) == record:sub(3, at + 39) and held:sub(at + 48) == record:sub(at + 48)
end

-- Why it is not changed: a letter, and the version that it has. nil = it may be.
local function kept_from_change(c, id, d, version, record, time)
  if not d then
    local tombstone = tombstone_of(c, id)
    if tombstone then return 'E' .. tombstone.status, tombstone.version end
    return 'u', 0
  end
  if d.state == 'l' then return 'l', d.version end
  if version and version ~= d.version then return 'v', d.version end
  if record ~= '' and not is_same_but_priority(d.record, record) then return 'd', d.version end
  -- As an enqueue with such a time is refused; what has begun once goes on whenever it is.
  if time and (d.version == 1 or d.epoch == 1) and is_over(d.record, time) then return 'o', d.version end
end

-- The ledger has the record already; only another priority it has to be told.
local function moved_detail(c, id, d, with_record)
  local detail = '\3' .. struct.pack('>I8I4I4I4', d.state == 's' and d.run_at or 0, d.attempts, d.crashes, 0)
  if not with_record then return detail end
  return detail .. struct.pack('>I4', #d.record) .. d.record .. (is_apart(d.record) and large_body(c, id) or '')
end

-- Out of where it stood, and under the next version to where it waits now.
local function move_waiting(c, id, d, time, with_record)
  local queue, from, lines = queue_of(d.record), d.state, {}
  if from == 'p' then count_up(c, K.outdated, queue, 1)
  else wait_no_more(c, queue, element_of(id, d.version)) end
  if time then d.state, d.run_at = time > c.now and 's' or 'p', time > c.now and time or 0
  elseif from == 'r' then d.state = 's' end
  -- It has not begun still, so its end holds (reserve.lua).
  if d.version == 1 then d.epoch = 1 end
  d.version = d.version + 1
  put(c, id, d)
  local element = element_of(id, d.version)
  if d.state == 's' then
    wait_until(c, queue, element, d.run_at)
    if redis.call('ZRANK', c.p .. K.due, element) == 0 then wake(c, queue) end
  else
    line_up(c, lines, d.record, element)
    push_lines(c, lines)
  end
  append(c, 'P', 'change', move(element, from, d.state, moved_detail(c, id, d, with_record)))
end

redis.register_function { function_name = NAME .. 'change', callback = function(keys, args)
  local id, record, version, time = args[3], args[6] or '', nil, nil
  check_id(id)
  if args[4] ~= '' then version = whole(args[4], 1, 4294967294, 'version') end
  if args[5] ~= '' then time = whole(args[5], 0, LATEST, 'run_at') end
  if record ~= '' and (not version or not is_record(record)) then refuse('a record comes with the job\'s version') end
  if record == '' and not time then refuse('nothing is to be changed') end
  local c = begin(keys, args)
  local d = current(c, id)
  local letter, held = kept_from_change(c, id, d, version, record, time)
  if letter then return reply(c, letter, held) end
  if is_log_full(c) then return log_full() end
  -- What no look at the job has read: it breaks off here where a foreign hand has written over one.
  need(c.p .. K.due, 'sorted set')
  if is_apart(d.record) then need(c.p .. K.large, 'hash') end
  redis.call('SADD', c.p .. K.queues, queue_of(d.record))
  if record ~= '' then
    redis.call('HSET', c.p .. K.body, id, record)
    d.record = record
  end
  move_waiting(c, id, d, time, record ~= '')
  finish(c)
  return reply(c, d.state, d.version)
end }
end
