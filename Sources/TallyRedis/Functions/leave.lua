-- How a job ends: it leaves a tombstone.
--
-- Keys     reads large, detours, unique, tombs; writes body, large, detours, unique, tombs

-- The jobs are terminal: everything of them goes but a tombstone. `ended` is { id, status, version (4), … }.
-- `is_absent`: the queue did not hold them, so nothing left it.
--
-- Whoever calls this has written nothing before it, or has read both generations of tombstones: where a foreign hand
-- has written over them the first write here breaks off, and the jobs stand as they stood. Were it the last, it would
-- leave jobs that are gone, with neither a tombstone nor an entry, and the ledger would have them run again.
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
  redis.call('HSET', c.p .. K.tombs .. c.gen, unpack(tombstones))
  if not is_absent then
    local a = account_of(c)
    for i = 2, #ended, 3 do a[ended[i]] = a[ended[i]] + 1 end
  end
  redis.call('HDEL', c.p .. K.body, unpack(ids))
  if redis.call('EXISTS', c.p .. K.detours) == 1 then redis.call('HDEL', c.p .. K.detours, unpack(ids)) end
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
