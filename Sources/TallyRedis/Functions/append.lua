-- The log: an entry a call that moved jobs, appended after the call's other writes.

local function move(element, from, to, detail)
  if detail == nil or detail == '' then return element .. from .. to .. ZERO4 end
  return element .. from .. to .. struct.pack('>I4', #detail) .. detail
end

-- A foreign hand has written to the log, and its entries stand where this one shall: they go aside, word for word,
-- and the log goes on behind its own last entry.
local function clear_log(c)
  local log, last = c.p .. K.log, text(c.epoch) .. '-' .. text(c.seq - 1)
  while true do
    local found = redis.call('XRANGE', log, '(' .. last, '+', 'COUNT', 100)
    if #found == 0 then break end
    for _, entry in ipairs(found) do
      redis.call('RPUSH', c.p .. K.aside .. K.log, entry[1], unpack(entry[2], 1, math.min(#entry[2], 100)))
      redis.call('XDEL', log, entry[1])
    end
  end
  redis.call('XSETID', log, last)
end

-- Found only here, after the call's first writes, since a look at each call would cost every one of them.
local function append(c, verb, actor, moves)
  c.seq = c.seq + 1
  local log, id = c.p .. K.log, text(c.epoch) .. '-' .. text(c.seq)
  local answer = redis.pcall('XADD', log, id, 'v', verb, 't', text(c.now), 'w', actor, 'm', moves)
  if type(answer) == 'table' and answer.err then
    if answer.err:find('equal or smaller', 1, true) then clear_log(c) end
    redis.call('XADD', log, id, 'v', verb, 't', text(c.now), 'w', actor, 'm', moves)
  end
end
