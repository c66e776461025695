-- The few fields of a packed record that a function reads.
--
-- Keys     reads ready, wake; writes ready, queues, wake

-- Of a packed record: priority, most crashes, queue.
-- Damaged bytes must not stop a call that touches other jobs as well.
local function priority_of(record) return (record:byte(2) or 2) % 4 end
local function queue_of(record) return record:sub(6, 5 + (record:byte(5) or 0)) end

-- Where the numbers of a packed record begin, whatever its layout. From there on: created 0, run-at 8, timeout 16,
-- attempts 24, most attempts 28, lifetime 32, hash 40, length of its body 48. Of layout 2 a limit key may come first.
local function fields_at(record)
  local at = 6 + (record:byte(5) or 0)
  if record:byte(1) == 2 and bit.band(record:byte(4) or 0, 2) ~= 0 then at = at + 1 + (record:byte(at) or 0) end
  return at
end
-- Whether the time before which it had to begin is over by then: at exactly that time it is. Behind the length of its
-- body.
local function is_over(record, by)
  if record:byte(1) ~= 2 then return false end
  local at = fields_at(record) + 52
  local time = #record >= at + 7 and (struct.unpack('>I8', record, at)) or 0
  return time > 0 and time <= by
end
-- Its type; '' where it is too short for one.
local function type_of(record)
  local at = fields_at(record) + (record:byte(1) == 2 and 60 or 52)
  if #record < at + 1 then return '' end
  return record:sub(at + 2, at + 1 + (struct.unpack('>I2', record, at)))
end
-- Whether its body lies beside it, in `large`.
local function is_apart(record) return bit.band(record:byte(4) or 0, 1) ~= 0 end
-- Whether a record may be written where not every program is known to read the newer layout (raise.lua).
local function is_readable(c, record) return (record:byte(1) or 1) <= c.layout end

-- Puts elements at the tail of their lists, one push a list. `batch` is { [key] = { elements } }.
local function line_up(c, batch, record, element)
  local queue = queue_of(record)
  local key = ready_key(c, queue, priority_of(record))
  local list = batch[key]
  if list == nil then
    list = { queue = queue }
    batch[key] = list
    batch[#batch + 1] = key
  end
  list[#list + 1] = element
end
-- The queues' names come before anything that a call writes of their jobs: where their place has another type it
-- breaks off here. That a queue is named of which nothing waits does no harm (walk.lua).
local function name_queues_of(c, batch)
  for _, key in ipairs(batch) do redis.call('SADD', c.p .. K.queues, batch[key].queue) end
end
-- Whoever calls this has named their queues.
local function push_lines(c, batch)
  for _, key in ipairs(batch) do
    if not unless_damaged('RPUSH', key, unpack(batch[key])) then
      length_of(c, key)
      redis.call('RPUSH', key, unpack(batch[key]))
    end
    wake(c, batch[key].queue)
  end
end
