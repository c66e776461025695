-- attach: a connection reports itself; begins an epoch where that is due. A key of another type than its place asks
-- for goes aside first, so that a call which met one finds its place free as it connects anew. Where jobs stood in it
-- a new epoch begins, held until both halves were compared, and all of them: what stood there may be of any age.
-- `unique`, `homes` and `paused` are left: their calls fail until a person has looked, for without them a key would
-- let two jobs in, and a paused queue hand out. `large` is left as well: only its own jobs are stopped by it. What
-- went and what is left foreign.lua tells.
--
-- ARGV[3]  '1' = a namespace for tests: passed clocks count. Only at its birth.
-- Keys     reads meta, log, body, detours, parkings, due, leases, queues, turns, later, outdated, tombs, workers,
--          duties, aside; writes meta, log, detours, later, aside
-- Returns  now, epoch, held; or error LAYOUT, or FOREIGN where `meta` itself is of another type: without it no call
--          begins, and what stood there is nowhere else
-- Log      N when an epoch begins
-- Repeat   changes nothing: an epoch begins once for a run_id, and once for what went aside
-- Cost     O(1); O(leases) when an epoch begins

local KINDS = { 'hash', 'list', 'set', 'sorted set', 'stream' }

-- What a key that is there holds.
local function kind_of(key)
  for _, kind in ipairs(KINDS) do
    if is_kind(key, kind) then return kind end
  end
  return 'string'
end

-- Whether what stood in a place had to go aside.
local function free(c, key, kind)
  if is_kind(key, kind) then return false end
  put_aside(c, key)
  return true
end

-- Whether jobs stood in one that had to go.
local function free_places_of_jobs(c)
  local is_lost = free(c, c.p .. K.body, 'hash')
  is_lost = free(c, c.p .. K.detours, 'hash') or is_lost
  is_lost = free(c, c.p .. K.tombs .. 'a', 'hash') or is_lost
  is_lost = free(c, c.p .. K.tombs .. 'b', 'hash') or is_lost
  is_lost = free(c, c.p .. K.leases, 'sorted set') or is_lost
  -- What `later` says of it holds no more either.
  if free(c, c.p .. K.due, 'sorted set') then
    redis.call('HDEL', c.p .. K.meta, 'counted')
    is_lost = true
  end
  return is_lost
end

-- What is told of jobs, queues and programs. The members of `due` are counted anew (waiting.lua), the queues named
-- anew, with what is parked of them (promote.lua). The rest comes again by itself: programs report, and a queue whose
-- lists have run empty has neither outdated elements nor a turn.
local function free_places_of_counts(c)
  if free(c, c.p .. K.later, 'hash') then redis.call('HDEL', c.p .. K.meta, 'counted') end
  if free(c, c.p .. K.queues, 'set') then redis.call('HSET', c.p .. K.meta, 'naming', '0') end
  if free(c, c.p .. K.parkings, 'hash') then redis.call('HSET', c.p .. K.meta, 'naming', '0') end
  free(c, c.p .. K.turns, 'hash')
  free(c, c.p .. K.outdated, 'hash')
  free(c, c.p .. K.workers, 'hash')
  free(c, c.p .. K.duties, 'hash')
end

redis.register_function { function_name = NAME .. 'attach', flags = { 'allow-oom' }, callback = function(keys, args)
  check_call(args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether the namespace is for tests') end
  local meta = keys[1] .. K.meta
  if not is_kind(meta, 'hash') then
    error({ err = 'FOREIGN ' .. meta .. ' is a ' .. kind_of(meta) .. ', and a hash belongs there' })
  end
  local layout, is_lost = redis.call('HGET', meta, 'layout'), false
  -- What a newer program keeps in these places is not judged here: the call is refused.
  if layout == '1' or layout == '2' then
    local place = { p = keys[1] }
    is_lost = free_places_of_jobs(place)
    free_places_of_counts(place)
  end
  local c = begin(keys, args)
  if is_lost then
    begin_account(c)
    hold(c)
    start_epoch(c, c.epoch, c.seq, true)
    finish(c)
  end
  if not layout and args[3] == '1' then redis.call('HSET', c.p .. K.meta, 'test_clock', '1') end
  return reply(c)
end }
