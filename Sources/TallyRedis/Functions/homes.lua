-- homes: which half keeps the unique keys of a queue: 'q' this one, for jobs that are enqueued here, or 'r' the
-- ledger, for jobs that are recorded. The first enqueue with a key decides for its queue; a key of the other half is
-- refused.
--
-- ARGV[3]  'claim': the ledger is about to record jobs with these keys; 'take': it has recorded them, and nobody
--          asked here; 'restore': this shard lost what it knew
-- ARGV[4…] of claim and take, a job: id, unique key as in push.lua; of restore, a queue: its name, 'q' or 'r'
-- Returns  now, epoch, held, then one letter a job: r the ledger keeps its key, q this shard does; of take with q: t
--          it is free and this job's now, of either: u a job that was enqueued here holds it
-- Log      nothing
-- Cost     O(jobs)
local function home_of(c, queue) return redis.call('HGET', c.p .. K.homes, queue) or nil end

local function holder_of(c, field, id)
  local holder = redis.call('HGET', c.p .. K.unique, 'k' .. field)
  return holder and is_holding(c, holder) and holder:sub(1, 16) ~= id
end

redis.register_function { function_name = NAME .. 'homes', callback = function(keys, args)
  local mode = args[3]
  if mode ~= 'claim' and mode ~= 'take' and mode ~= 'restore' or #args % 2 ~= 1 or #args > 3 + 2 * JOBS_PER_CALL then
    refuse('claim, take or restore, then pairs')
  end
  for i = 4, #args, 2 do
    if mode == 'restore' then
      if args[i + 1] ~= 'q' and args[i + 1] ~= 'r' then refuse('a home is q or r') end
    else
      check_id(args[i])
      if #args[i + 1] < 9 or args[i + 1]:byte(1) ~= 0 then refuse('no unique key') end
    end
  end
  local c = begin(keys, args)
  local letters = {}
  for i = 4, #args, 2 do
    if mode == 'restore' then redis.call('HSETNX', c.p .. K.homes, args[i], args[i + 1])
    else
      local id, field = args[i], args[i + 1]:sub(9)
      local queue = field:match('^[^%z]*')
      local is_held = holder_of(c, field, id)
      local home = home_of(c, queue)
      if not home then
        home = is_held and 'q' or 'r'
        redis.call('HSET', c.p .. K.homes, queue, home)
      end
      if mode == 'take' and is_held then home = 'u'
      elseif mode == 'take' and home == 'q' then
        home = 't'
        redis.call('HSET', c.p .. K.unique, 'k' .. field, holder_for(c, id, args[i + 1]), 'i' .. id, field)
      end
      letters[#letters + 1] = home
    end
  end
  return reply(c, table.concat(letters))
end }
