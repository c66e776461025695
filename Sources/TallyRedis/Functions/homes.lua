-- homes: which half keeps the unique keys of a queue: 'q' this one, for jobs that are enqueued here, or 'r' the
-- ledger, for jobs that are recorded. The first enqueue with a key decides for its queue; a key of the other half is
-- refused. A new epoch may have lost what was decided, and the ledger may know it still: until it has been told that,
-- nothing is decided here but by a push.
--
-- ARGV[3]  'told': asks whether it has been told; 'claim': the ledger is about to record jobs with these keys;
--          'take': it has recorded them, and nobody asked here; 'note': it has read that jobs with keys were
--          enqueued here; 'restore': what it knows
-- ARGV[4…] of claim and take, a job: id, unique key as in push.lua; of note, a queue; of restore: epoch to which that
--          is told, 'all' = that was all of it or 'more', then a queue: its name, 'q' or 'r'
-- Keys     reads unique, homes; writes unique, homes
-- Returns  now, epoch, held, '1' done; or '0': this epoch has not been told, or is another one, and nothing was done;
--          then one letter a job or queue: r the ledger keeps its key, q this shard does, of claim also for a key
--          that a job that was enqueued here holds; of take with q: t it is free and this job's now;
--          of take: u such a job holds it
-- Log      nothing
-- Repeat   answers the same: the half that was decided on stays, and a key that was taken is still the job's own
-- Cost     O(jobs)
local RESTORED = ''   -- the field of `homes` that says which epoch has been told: no queue's name is blank

local function is_restored(c) return redis.call('HGET', c.p .. K.homes, RESTORED) == text(c.epoch) end

local function holder_of(c, field, id)
  local holder = redis.call('HGET', c.p .. K.unique, 'k' .. field)
  return holder and is_holding(c, holder) and holder:sub(1, 16) ~= id
end

-- What the ledger holds against a claim it refuses for ever: there it is right, whatever stands here.
local function restore_homes(c, args)
  for i = 6, #args, 2 do
    redis.call(args[i + 1] == 'q' and 'HSET' or 'HSETNX', c.p .. K.homes, args[i], args[i + 1])
  end
  if args[5] == 'all' then redis.call('HSET', c.p .. K.homes, RESTORED, text(c.epoch)) end
end

local function note_home(c, queue)
  redis.call('HSETNX', c.p .. K.homes, queue, 'q')
  return redis.call('HGET', c.p .. K.homes, queue)
end

local function home_for(c, mode, id, unique)
  local field = unique:sub(9)
  local queue = field:match('^[^%z]*')
  local home, is_held = redis.call('HGET', c.p .. K.homes, queue), holder_of(c, field, id)
  if not home then
    home = is_held and 'q' or 'r'
    redis.call('HSET', c.p .. K.homes, queue, home)
  end
  if is_held then return mode == 'take' and 'u' or 'q' end
  if mode == 'claim' or home == 'r' then return home end
  redis.call('HSET', c.p .. K.unique, 'k' .. field, holder_for(c, id, unique), 'i' .. id, field)
  return 't'
end

local function check_homes(args)
  local mode = args[3]
  if #args > 5 + 2 * JOBS_PER_CALL then refuse('more than ' .. JOBS_PER_CALL .. ' homes a call') end
  if mode == 'claim' or mode == 'take' then
    if #args % 2 ~= 1 then refuse('a job has an id and a unique key') end
    for i = 4, #args, 2 do
      check_id(args[i])
      if #args[i + 1] < 9 or args[i + 1]:byte(1) ~= 0 then refuse('no unique key') end
    end
  elseif mode == 'note' or mode == 'restore' then
    local is_restore = mode == 'restore'
    if is_restore then
      whole(args[4], 0, LATEST, 'epoch')
      if #args % 2 ~= 1 or args[5] ~= 'all' and args[5] ~= 'more' then refuse('all or more, then queues') end
    end
    for i = is_restore and 6 or 4, #args, is_restore and 2 or 1 do
      if args[i] == '' then refuse('name the queue') end
      if is_restore and args[i + 1] ~= 'q' and args[i + 1] ~= 'r' then refuse('a home is q or r') end
    end
  elseif mode ~= 'told' then refuse('told, claim, take, note or restore') end
end

redis.register_function { function_name = NAME .. 'homes', callback = function(keys, args)
  check_homes(args)
  local mode, c = args[3], begin(keys, args)
  if mode == 'restore' then
    if tonumber(args[4]) ~= c.epoch then return reply(c, '0', '') end
    restore_homes(c, args)
    return reply(c, '1', '')
  end
  if not is_restored(c) then return reply(c, '0', '') end
  local letters = {}
  if mode == 'note' then
    for i = 4, #args do letters[#letters + 1] = note_home(c, args[i]) end
  else
    for i = 4, #args, 2 do letters[#letters + 1] = home_for(c, mode, args[i], args[i + 1]) end
  end
  return reply(c, '1', table.concat(letters))
end }
