-- keys: unique keys that last until their job ends, and whose job the queue does not hold, and those whose time is
-- over; frees one of them. Or drops, of about so many keys, those whose time is over.
--
-- ARGV[3]  'list', 'free' or 'prune'; ARGV[4] of list and prune: cursor, '0' to begin; of free: queue NUL key
-- ARGV[5]  of list and prune: about so many; of free: the id that holds it
-- ARGV[6]  of free: token of the lease to repair ('' = none), which must be that of fence.lua
-- Keys     reads meta, log, body, later, unique; writes meta, log, later, unique
-- Returns  now, epoch, held, then of list: next cursor ('0' = the end), keys and their holders by turns;
--          of free: '1' done or '0' raced; of prune: next cursor, how many were dropped
-- Log      D by reconciler:D24, without a move, when one was freed
-- Repeat   of list only reads; of free answers '0'; of prune finds less
-- Cost     O(count)
redis.register_function { function_name = NAME .. 'keys', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] == 'list' or args[3] == 'prune' then
    whole(args[4], 0, math.huge, 'cursor')
    whole(args[5], 1, 1000, 'count')
  elseif args[3] == 'free' and args[4] then check_id(args[5])
  else refuse('list or prune, or free one') end
  local c = begin(keys, args)
  local key = c.p .. K.unique
  local function is_past(holder)
    return #holder ~= 24 or holder:sub(17) ~= ZERO8 and (struct.unpack('>I8', holder, 17)) <= c.now
  end
  local function is_leaked(holder)
    return holder and #holder == 24 and (is_past(holder)
      or holder:sub(17) == ZERO8 and redis.call('HEXISTS', c.p .. K.body, holder:sub(1, 16)) == 0)
  end
  if args[3] == 'prune' then
    local step = redis.call('HSCAN', key, args[4], 'COUNT', args[5])
    local past = {}
    for i = 1, #step[2], 2 do
      if step[2][i]:sub(1, 1) == 'k' and is_past(step[2][i + 1]) then
        local of_job = 'i' .. step[2][i + 1]:sub(1, 16)
        past[#past + 1] = step[2][i]
        -- Its job, which may run still, frees nothing any more: another may hold the key by then.
        if redis.call('HGET', key, of_job) == step[2][i]:sub(2) then past[#past + 1] = of_job end
      end
    end
    -- In pieces: a small hash is scanned whole, whatever was asked for.
    for i = 1, #past, JOBS_PER_CALL do
      redis.call('HDEL', key, unpack(past, i, math.min(#past, i + JOBS_PER_CALL - 1)))
    end
    return reply(c, step[1], #past)
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
  check_fence(c, args[6])
  local holder = redis.call('HGET', key, 'k' .. args[4])
  if not is_leaked(holder) or holder:sub(1, 16) ~= args[5] then return reply(c, '0') end
  redis.call('HDEL', key, 'k' .. args[4])
  if redis.call('HGET', key, 'i' .. args[5]) == args[4] then redis.call('HDEL', key, 'i' .. args[5]) end
  append(c, 'D', 'reconciler:D24', '')
  finish(c)
  return reply(c, '1')
end }
