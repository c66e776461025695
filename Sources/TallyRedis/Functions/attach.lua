-- attach: a connection reports itself; begins an epoch where that is due.
--
-- ARGV[3]  '1' = a namespace for tests: passed clocks count. Only at its birth.
-- Keys     reads meta; writes meta
-- Returns  now, epoch, held; or error LAYOUT
-- Log      N when an epoch begins
-- Repeat   changes nothing: an epoch begins once for a run_id
-- Cost     O(1); O(leases) when an epoch begins
redis.register_function { function_name = NAME .. 'attach', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether the namespace is for tests') end
  local is_new = redis.call('HEXISTS', keys[1] .. K.meta, 'layout') == 0
  local c = begin(keys, args)
  if is_new and args[3] == '1' then redis.call('HSET', c.p .. K.meta, 'test_clock', '1') end
  return reply(c)
end }
