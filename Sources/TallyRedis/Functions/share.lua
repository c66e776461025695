-- Whose turn it is among the priorities of a queue.
--
-- Keys     reads ready, turns; writes ready, turns

-- Where a queue stands in the pattern of priorities. A key of another type goes aside at once: jobs of other queues
-- may be leased by now, and a share that is counted from the beginning stops nobody.
local function turn_of(c, queue)
  local turns = c.p .. K.turns
  local turn = unless_damaged('HGET', turns, queue)
  if turn == nil then put_aside(c, turns) end
  return tonumber(turn or '0') or 0
end

local function pop(c, queue, need)
  local lengths, lists, last = {}, 0, 0
  for p = 0, 3 do
    lengths[p] = length_of(c, ready_key(c, queue, p))
    if lengths[p] > 0 then
      lists = lists + 1
      last = p
    end
  end
  if lists == 0 then return {} end
  if lists == 1 then return redis.call('LPOP', ready_key(c, queue, last), need) end
  -- Several priorities wait: each gets its share of the coming turns, what is left goes from the top.
  local turn = turn_of(c, queue)
  local share = { [0] = 0, 0, 0, 0 }
  for i = 0, need - 1 do
    local p = PATTERN[(turn + i) % 15 + 1]
    share[p] = share[p] + 1
  end
  local left = need
  for p = 0, 3 do
    share[p] = math.min(share[p], lengths[p])
    left = left - share[p]
  end
  local popped = {}
  for p = 0, 3 do
    if share[p] > 0 then
      for _, element in ipairs(redis.call('LPOP', ready_key(c, queue, p), share[p])) do
        popped[#popped + 1] = element
      end
    end
  end
  for p = 0, 3 do
    local more = math.min(left, lengths[p] - share[p])
    if more > 0 then
      for _, element in ipairs(redis.call('LPOP', ready_key(c, queue, p), more)) do
        popped[#popped + 1] = element
      end
      left = left - more
    end
  end
  redis.call('HSET', c.p .. K.turns, queue, (turn + need) % 15)
  return popped
end
