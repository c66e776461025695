-- Leases: which are held, and why one is refused.
--
-- Keys     reads meta, body, detours, leases, tombs

-- The job as it stands, or nil: a detour, made up where absent. `token` and `expiry` only while processing.
local function current(c, id)
  local record = redis.call('HGET', c.p .. K.body, id)
  if not record then return nil end
  local bytes = redis.call('HGET', c.p .. K.detours, id)
  local d = read_detour(bytes)
  if not d then
    local at = fields_at(record) + 8
    local run_at = #record >= at + 7 and (struct.unpack('>I8', record, at)) or 0
    d = { state = 'p', version = 1, attempts = 0, crashes = 0, flag = 0, epoch = 0, run_at = run_at, failed_at = 0,
          error = '' }
    if redis.call('ZSCORE', c.p .. K.leases, token_of(id, 2, c.epoch)) then
      d.state, d.version, d.epoch = 'l', 2, c.epoch
    end
  end
  if d.state == 'l' then
    d.token = token_of(id, d.version, d.epoch)
    d.expiry = redis.call('ZSCORE', c.p .. K.leases, d.token)
  end
  d.record = record
  return d
end

-- Whether a push or tombstone that was decided at (epoch, at) comes too late.
local function is_late(c, epoch, at)
  return c.held or tonumber(epoch) ~= c.epoch or c.now - tonumber(at) > ISSUED
end

-- Refuses a change of the reconciler whose lease to repair somebody else has by now (fence.lua).
local function check_fence(c, token)
  local kept = token and token ~= '' and redis.call('HGET', c.p .. K.meta, 'repairer')
  if kept and kept ~= token then refuse('the lease to repair is somebody else\'s by now; nothing was changed') end
end

-- Why a token that is not held, or has run out, is refused: n not processing, e expired, m mismatch.
-- R: this very lease had already ended the job as `wanted`.
local function refusal(c, token, wanted)
  local id, version = token:sub(1, 16), version_of(token)
  local d = current(c, id)
  if d and d.state == 'l' then
    if d.expiry and (tonumber(d.expiry) > c.now or c.is_frozen) then return 'm' end
    return 'e'
  end
  if wanted then
    local tombstone = not d and tombstone_of(c, id)
    if tombstone and tombstone.status == wanted and tombstone.version == version then return 'R' end
  end
  return 'n'
end

-- The letter of a token that is not held (`held`: nil, or its letter), when the jobs before it in the same call are
-- taken into account: `done` is { [id] = token that ended it as wanted, or '' }. As a tombstone does, it tells by the
-- version alone whether this is a repeat. To be asked before anything is written.
local function refusal_after(c, done, token, held, wanted)
  local earlier = done[token:sub(1, 16)]
  if not earlier then return held or refusal(c, token, wanted) end
  return wanted and earlier:sub(1, 20) == token:sub(1, 20) and 'R' or 'n'
end

-- Which of the tokens are held and in time. Answers { [i] = true, or 'e' } and, unless told
-- otherwise, the detours of the held ones.
local function held_leases(c, tokens, without_detours)
  local scores = redis.call('ZMSCORE', c.p .. K.leases, unpack(tokens))
  local held, detours = {}, {}
  local any = not without_detours and redis.call('EXISTS', c.p .. K.detours) == 1
  local found
  if any then
    local ids = {}
    for i, token in ipairs(tokens) do ids[i] = token:sub(1, 16) end
    found = redis.call('HMGET', c.p .. K.detours, unpack(ids))
  end
  for i, token in ipairs(tokens) do
    if scores[i] then
      if tonumber(scores[i]) <= c.now and not c.is_frozen then held[i] = 'e'
      else
        held[i] = true
        if found and found[i] then detours[i] = read_detour(found[i]) end
      end
    end
  end
  return held, detours
end

-- What a lease without a detour stands for.
local function straight(c)
  return { state = 'l', version = 2, attempts = 0, crashes = 0, flag = 0, epoch = c.epoch, run_at = 0, failed_at = 0,
           error = '' }
end
