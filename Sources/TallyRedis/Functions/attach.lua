-- attach: a connection reports itself; begins an epoch where that is due.
--
-- ARGV[3]  '1' = a namespace for tests: passed clocks count. Only at its birth.
-- Returns  now, epoch, held; or error LAYOUT
-- Log      N when an epoch begins
-- Cost     O(1); O(leases) when an epoch begins
redis.register_function { function_name = 'tally_v1_attach', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether the namespace is for tests') end
  local layout = redis.call('HGET', keys[1] .. ':meta', 'layout')
  if layout and layout ~= LAYOUT then
    return redis.error_reply('LAYOUT the keys of ' .. keys[1] .. ' have layout ' .. layout
      .. ', this program writes layout ' .. LAYOUT)
  end
  local c = begin(keys, args)
  if not layout and args[3] == '1' then redis.call('HSET', c.p .. ':meta', 'test_clock', '1') end
  return reply(c)
end }
