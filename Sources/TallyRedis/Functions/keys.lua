-- keys: unique keys that last until their job ends, and whose job the queue does not hold; frees one of them.
--
-- ARGV[3]  'list' or 'free'; ARGV[4] of list: cursor, '0' to begin; of free: queue NUL key
-- ARGV[5]  of list: about so many; of free: the id that holds it
-- Returns  now, epoch, held, then of list: next cursor ('0' = the end), keys and their holders by turns;
--          of free: '1' done or '0' raced
-- Log      D by reconciler:D24, without a move, when one was freed
-- Cost     O(count)
redis.register_function { function_name = NAME .. 'keys', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] == 'list' then
    whole(args[4], 0, math.huge, 'cursor')
    whole(args[5], 1, 1000, 'count')
  elseif args[3] == 'free' and args[4] then check_id(args[5])
  else refuse('list, or free one') end
  local c = begin(keys, args)
  local key = c.p .. ':unique'
  local function is_leaked(holder)
    return holder and holder:sub(17) == ZERO8 and redis.call('HEXISTS', c.p .. ':body', holder:sub(1, 16)) == 0
  end
  if args[3] == 'list' then
    local step = redis.call('HSCAN', key, args[4], 'COUNT', args[5])
    local out = {}
    for i = 1, #step[2], 2 do
      if step[2][i]:sub(1, 1) == 'k' and is_leaked(step[2][i + 1]) then
        out[#out + 1] = step[2][i]:sub(2)
        out[#out + 1] = step[2][i + 1]:sub(1, 16)
      end
    end
    return reply_list(c, out, step[1])
  end
  local holder = redis.call('HGET', key, 'k' .. args[4])
  if not is_leaked(holder) or holder:sub(1, 16) ~= args[5] then return reply(c, '0') end
  redis.call('HDEL', key, 'k' .. args[4])
  if redis.call('HGET', key, 'i' .. args[5]) == args[4] then redis.call('HDEL', key, 'i' .. args[5]) end
  append(c, 'D', 'reconciler:D24', '')
  finish(c)
  return reply(c, '1')
end }
