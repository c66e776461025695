-- What every function answers.
--
-- Keys     reads wake; writes wake

-- The first three values of every reply: the server's clock, the epoch, whether it is held.
local function reply(c, ...)
  return { text(c.now), text(c.epoch), c.held and '1' or '0', ... }
end

-- A reply that ends with a list of any length: `unpack` fails near 8,000 values, and would then fail for good.
local function reply_list(c, list, ...)
  local values = reply(c, ...)
  local at = #values
  for i = 1, #list do values[at + i] = list[i] end
  return values
end

local function wake(c, queue)
  local key = c.p .. K.wake .. queue
  if length_of(c, key) == 0 then redis.call('LPUSH', key, '1') end
end
