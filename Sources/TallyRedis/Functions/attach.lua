-- attach: a connection reports itself; begins an epoch where that is due. A key of another type than its place asks
-- for goes aside first, so that a call which met one finds its place free as it connects anew.
--
-- ARGV[3]  '1' = a namespace for tests: passed clocks count. Only at its birth.
-- Keys     reads meta; writes meta
-- Returns  now, epoch, held; or error LAYOUT
-- Log      N when an epoch begins
-- Repeat   changes nothing: an epoch begins once for a run_id
-- Cost     O(1); O(leases) when an epoch begins
local HASHES = {
  K.body, K.large, K.detours, K.turns, K.later, K.outdated, K.unique, K.homes, K.workers, K.duties, K.tombs .. 'a',
  K.tombs .. 'b' }

local function free_places(c)
  for _, name in ipairs(HASHES) do
    if not unless_damaged('HLEN', c.p .. name) then put_aside(c, c.p .. name) end
  end
  for _, name in ipairs({ K.due, K.leases }) do
    if unless_damaged('ZSCORE', c.p .. name, '') == nil then put_aside(c, c.p .. name) end
  end
  for _, name in ipairs({ K.queues, K.paused }) do
    if not unless_damaged('SISMEMBER', c.p .. name, '') then put_aside(c, c.p .. name) end
  end
end

redis.register_function { function_name = NAME .. 'attach', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether the namespace is for tests') end
  local layout = redis.call('HGET', keys[1] .. K.meta, 'layout')
  -- What a newer program keeps in these places is not judged here: the call is refused.
  if layout == '1' or layout == '2' then free_places({ p = keys[1] }) end
  local c = begin(keys, args)
  if not layout and args[3] == '1' then redis.call('HSET', c.p .. K.meta, 'test_clock', '1') end
  return reply(c)
end }
