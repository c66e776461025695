-- What a shard knows of a job that is not on the straight path from push to ack.
--
-- Keys     writes detours

-- A detour: what is known of a job off the straight path. Its epoch is that of its lease. Of one that waits it is 1
-- where the job was never leased, though a change gave it another version than the first (change.lua), also where it
-- was pushed again since (push.lua). At version 1, which says so by itself, and of a job that was leased before, any
-- other number stands there, such as 0, and nothing is read of it.
local STATES = { s = true, p = true, l = true, r = true }
local function read_detour(bytes)
  if not bytes or #bytes < 38 or not STATES[bytes:sub(1, 1)] then return nil end
  local state, version, attempts, crashes, flag, epoch, run_at, failed_at, at =
    struct.unpack('>c1I4I4I4BI8I8I8', bytes)
  return { state = state, version = version, attempts = attempts, crashes = crashes, flag = flag, epoch = epoch,
           run_at = run_at, failed_at = failed_at, error = bytes:sub(at) }
end

local function write_detour(d)
  return struct.pack('>c1I4I4I4BI8I8I8', d.state, d.version, d.attempts, d.crashes, d.flag, d.epoch,
    d.run_at, d.failed_at)
    .. d.error
end

-- Absence of a detour means pending at version 1, or leased at 2 in this epoch.
local function is_plain(c, d)
  return d.crashes == 0 and d.attempts == 0 and d.flag == 0 and d.error == ''
    and (d.state == 'p' and d.version == 1 or d.state == 'l' and d.version == 2 and d.epoch == c.epoch)
end

local function put(c, id, d)
  if is_plain(c, d) then redis.call('HDEL', c.p .. K.detours, id)
  else redis.call('HSET', c.p .. K.detours, id, write_detour(d)) end
end
