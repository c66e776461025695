-- How a job ends: it leaves a tombstone.
--
-- Keys     reads large, detours, unique, tombs; writes body, large, detours, unique, tombs

-- The jobs are terminal: everything of them goes but a tombstone. `ended` is { id, status, version (4), … }.
-- `is_absent`: the queue did not hold them, so nothing left it.
--
-- Whoever calls this has moved no job before it, or has read both generations of tombstones: where a foreign hand has
-- written over them, over the detours or over the records it breaks off here, and the jobs stand as they stood. A
-- tombstone without an entry would be an end that the ledger never hears of; a job that is gone without a tombstone
-- would be run again.
local ENDS = { c = true, f = true, x = true }
local function leave(c, ended, is_absent)
  if #ended == 0 then return end
  local ids, tombstones, n = {}, {}, 0
  for i = 1, #ended, 3 do
    n = n + 1
    ids[n] = ended[i]
    tombstones[2 * n - 1] = ended[i]
    tombstones[2 * n] = ended[i + 1] .. ended[i + 2]
  end
  -- Its length, not whether it is there: of another type it breaks off before anything is written.
  local any_detours = redis.call('HLEN', c.p .. K.detours) > 0
  redis.call('HSET', c.p .. K.tombs .. c.gen, unpack(tombstones))
  local answer = redis.pcall('HDEL', c.p .. K.body, unpack(ids))
  if type(answer) == 'table' and answer.err then
    -- An ack has not read the records: to undo what stands alone costs those calls nothing that find them whole.
    redis.call('HDEL', c.p .. K.tombs .. c.gen, unpack(ids))
    answer_of(c.p .. K.body, answer)
  end
  if not is_absent then
    local a = account_of(c)
    for i = 2, #ended, 3 do a[ended[i]] = a[ended[i]] + 1 end
  end
  if any_detours then redis.call('HDEL', c.p .. K.detours, unpack(ids)) end
  if redis.call('EXISTS', c.p .. K.large) == 1 then unless_damaged('HDEL', c.p .. K.large, unpack(ids)) end
  if redis.call('EXISTS', c.p .. K.unique) == 1 then
    for _, id in ipairs(ids) do
      local field = unless_damaged('HGET', c.p .. K.unique, 'i' .. id)
      if field then
        redis.call('HDEL', c.p .. K.unique, 'i' .. id)
        local holder = redis.call('HGET', c.p .. K.unique, 'k' .. field)
        -- A key with a lifetime outlives its job.
        if holder and holder:sub(1, 16) == id and holder:sub(17) == ZERO8 then
          redis.call('HDEL', c.p .. K.unique, 'k' .. field)
        end
      end
    end
  end
end

local function is_tombstone(bytes) return #bytes == 5 and ENDS[bytes:sub(1, 1)] end

-- status and version of a job that ended a short while ago, or nil.
local function tombstone_of(c, id)
  local found
  for _, gen in ipairs({ 'a', 'b' }) do
    local bytes = redis.call('HGET', c.p .. K.tombs .. gen, id)
    if bytes and is_tombstone(bytes) then
      local version = (struct.unpack('>I4', bytes, 2))
      if not found or version >= found.version then found = { status = bytes:sub(1, 1), version = version } end
    end
  end
  return found
end
