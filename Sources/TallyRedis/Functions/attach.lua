-- attach: a connection reports itself; begins an epoch where that is due. A key of another type than its place asks
-- for goes aside first, so that a call which met one finds its place free as it connects anew. Where jobs stood in it
-- a new epoch begins, held until both halves were compared. `unique`, `homes` and `paused` are left: their calls fail
-- until a person has looked, for without them a key would let two jobs in, and a paused queue hand out. `large` is
-- left as well: only its own jobs are stopped by it.
--
-- ARGV[3]  '1' = a namespace for tests: passed clocks count. Only at its birth.
-- Keys     reads meta, log, body, detours, leases, queues, aside; writes meta, log, detours, later, aside
-- Returns  now, epoch, held; or error LAYOUT
-- Log      N when an epoch begins
-- Repeat   changes nothing: an epoch begins once for a run_id, and once for what went aside
-- Cost     O(1); O(leases) when an epoch begins
local function is_foreign_hash(key) return unless_damaged('HLEN', key) == nil end
local function is_foreign_sorted_set(key) return unless_damaged('ZSCORE', key, '') == nil end

-- Whether any of these keys had to go aside.
local function free_places(c, names, is_foreign)
  local is_any = false
  for _, name in ipairs(names) do
    if is_foreign(c.p .. name) then
      put_aside(c, c.p .. name)
      is_any = true
    end
  end
  return is_any
end

redis.register_function { function_name = NAME .. 'attach', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether the namespace is for tests') end
  local layout, is_lost = redis.call('HGET', keys[1] .. K.meta, 'layout'), false
  -- What a newer program keeps in these places is not judged here: the call is refused.
  if layout == '1' or layout == '2' then
    local c = { p = keys[1] }
    is_lost = free_places(c, { K.body, K.detours, K.tombs .. 'a', K.tombs .. 'b' }, is_foreign_hash)
    is_lost = free_places(c, { K.due, K.leases }, is_foreign_sorted_set) or is_lost
    -- Counts and reports, which come again.
    free_places(c, { K.turns, K.later, K.outdated, K.workers, K.duties }, is_foreign_hash)
    if unless_damaged('SISMEMBER', c.p .. K.queues, '') == nil then put_aside(c, c.p .. K.queues) end
  end
  local c = begin(keys, args)
  if is_lost then
    hold(c)
    start_epoch(c, c.epoch, c.seq)
    finish(c)
  end
  if not layout and args[3] == '1' then redis.call('HSET', c.p .. K.meta, 'test_clock', '1') end
  return reply(c)
end }
