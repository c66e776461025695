-- count: the numbers of waiting and processing jobs by queue, a window of `due` and `leases` at a time.
--
-- ARGV[3]  offset; ARGV[4] at most so many of each
-- Returns  now, epoch, held, more ('1' = another window follows), then of each queue eight values: its name, pending,
--          waiting, due, processing, expired, paused ('1'). Pending and paused only in the first window
-- Log      nothing
-- Cost     O(queues + window)
redis.register_function { function_name = NAME .. 'count', flags = { 'allow-oom' }, callback = function(keys, args)
  local offset, window = whole(args[3], 0, LATEST / 2, 'offset'), whole(args[4], 1, 10000, 'window')
  local c = begin(keys, args)
  local rows, order = {}, {}
  local function row(queue)
    if not rows[queue] then
      rows[queue] = { 0, 0, 0, 0, 0, 0 }
      order[#order + 1] = queue
    end
    return rows[queue]
  end
  if offset == 0 then
    for _, queue in ipairs(redis.call('SMEMBERS', c.p .. ':queues')) do
      local r = row(queue)
      for p = 0, 3 do r[1] = r[1] + redis.call('LLEN', c.p .. ':ready:' .. queue .. ':' .. p) end
      r[6] = redis.call('SISMEMBER', c.p .. ':paused', queue)
    end
  end
  local more = 0
  local function tally(key, all, past)
    local found = redis.call('ZRANGE', c.p .. key, offset, offset + window - 1, 'WITHSCORES')
    if #found == 2 * window then more = 1 end
    for i = 1, #found, 2 do
      local record = redis.call('HGET', c.p .. ':body', found[i]:sub(1, 16))
      if record then
        local r = row(queue_of(record))
        r[all] = r[all] + 1
        if tonumber(found[i + 1]) <= c.now then r[past] = r[past] + 1 end
      end
    end
  end
  tally(':due', 2, 3)
  tally(':leases', 4, 5)
  local out = {}
  for _, queue in ipairs(order) do
    out[#out + 1] = queue
    for _, number in ipairs(rows[queue]) do out[#out + 1] = number end
  end
  return reply(c, more, unpack(out))
end }
