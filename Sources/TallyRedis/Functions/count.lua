-- count: the numbers of waiting and processing jobs by queue, a page at a time.
--
-- ARGV[3]  'queues', 'paused', 'due' or 'leases'; ARGV[4] cursor, '0' to begin; ARGV[5] about so many
-- Keys     reads body, ready, parkings, due, leases, queues, paused, outdated
-- Returns  now, epoch, held, next cursor ('0' = the end), then of each queue seven values: its name, pending,
--          waiting, due, processing, expired, paused ('1'). Pending comes with 'queues' alone, perhaps twice
-- Log      nothing
-- Repeat   only reads
-- Cost     O(count); a page ends early where its records, read for their queues' names, are large
redis.register_function { function_name = NAME .. 'count', flags = { 'allow-oom' }, callback = function(keys, args)
  local cursor, count = whole(args[4], 0, math.huge, 'cursor'), whole(args[5], 1, 10000, 'count')
  local structure = args[3]
  if structure ~= 'queues' and structure ~= 'paused' and structure ~= 'due' and structure ~= 'leases' then
    refuse('no such structure')
  end
  local c = begin(keys, args)
  local rows, order = {}, {}
  local function row(queue)
    if not rows[queue] then
      rows[queue] = { 0, 0, 0, 0, 0, 0 }
      order[#order + 1] = queue
    end
    return rows[queue]
  end
  local following = '0'
  if structure == 'queues' or structure == 'paused' then
    local key = c.p .. K[structure]
    local step = answer_of(key, redis.pcall('SSCAN', key, args[4], 'COUNT', args[5]))
    following = step[1]
    for _, queue in ipairs(step[2]) do
      local r = row(queue)
      if structure == 'queues' then r[1] = count_pending(c, queue) else r[6] = 1 end
    end
  else
    local found = redis.call('ZRANGE', c.p .. K[structure], cursor, cursor + count - 1, 'WITHSCORES')
    local bytes, at = 0, 1
    while at < #found and bytes < BODY_BYTES do
      local record = redis.call('HGET', c.p .. K.body, found[at]:sub(1, 16))
      if record then
        bytes = bytes + #record
        local r = row(queue_of(record))
        local is_past = tonumber(found[at + 1]) <= c.now
        if structure == 'leases' then
          r[4] = r[4] + 1
          if is_past then r[5] = r[5] + 1 end
        else
          local column = is_past and 3 or 2
          r[column] = r[column] + 1
        end
      end
      at = at + 2
    end
    if at < #found or #found == 2 * count then following = text(cursor + (at - 1) / 2) end
  end
  local out = {}
  for _, queue in ipairs(order) do
    out[#out + 1] = queue
    for _, number in ipairs(rows[queue]) do out[#out + 1] = number end
  end
  return reply_list(c, out, following)
end }
