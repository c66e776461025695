-- One history of the server follows another. Every function begins here.
--
-- Keys     reads meta, log, body, detours, leases, later, aside; writes meta, log, detours, later, aside

-- Keeps that these epochs led to the present one, the last of them. A copy of the keys carries them along; what it
-- does afterwards stands in none of them, so the ledger can tell the two.
local function keep_epochs(c, epochs)
  local kept, seen = {}, {}
  for epoch in (redis.call('HGET', c.p .. K.meta, 'epochs') or ''):gmatch('%d+') do
    kept[#kept + 1] = epoch
    seen[epoch] = true
  end
  for _, epoch in ipairs(epochs) do
    if epoch > 0 and not seen[text(epoch)] then
      kept[#kept + 1] = text(epoch)
      seen.changed = true
    end
  end
  if seen.changed then
    redis.call('HSET', c.p .. K.meta, 'epochs', table.concat(kept, ' ', math.max(1, #kept - EPOCHS + 1)))
  end
end

-- Nothing is leased until the reconciler has compared the halves and opens the epoch.
local function hold(c)
  c.held = true
  redis.call('HSET', c.p .. K.meta, 'held', '1', 'began', text(c.real_now), 'opened', '0')
end

-- Counts what is held, and from then on what enters and ends. Where another type stands in the place of the records,
-- none is held: as that is freed the account begins anew (attach.lua).
local function begin_account(c)
  c.account = { base = unless_damaged('HLEN', c.p .. K.body) or 0, entered = 0, c = 0, f = 0, x = 0 }
end

-- Every lease that survives gets a detour, since 'absent' speaks of the current epoch only. The epoch's ids lie above
-- all that the log has had, whoever wrote it. Answers whether the log had to go aside.
--
-- An epoch may begin as the last write of a call (append.lua), so a place of another type is passed over here: as it
-- is freed another epoch begins, and writes these detours.
--
-- `loses_more`: more than the tail of the log may be lost. A byte behind the two numbers says so, which programs from
-- before it do not read; then everything is compared, not only what the tail can have touched.
local function start_epoch(c, old_epoch, old_seq, loses_more)
  local top, is_gone = top_of_log(c)
  if not is_gone then keep_foreign(c, old_epoch, old_seq) end
  c.epoch, c.seq = math.max(old_epoch + 1, math.floor(c.real_now / 1000), top + 1), 0
  local leases = unless_damaged('ZRANGE', c.p .. K.leases, 0, -1) or {}
  for _, token in ipairs(leases) do
    local id = token:sub(1, 16)
    local version, epoch = version_of(token), #token == 28 and (struct.unpack('>I8', token, 21)) or 0
    if #token == 28 and unless_damaged('HEXISTS', c.p .. K.body, id) == 1
      and unless_damaged('HEXISTS', c.p .. K.detours, id) == 0 then
      redis.call('HSET', c.p .. K.detours, id, write_detour({
        state = 'l', version = version, attempts = 0, crashes = 0,
        flag = 0, epoch = epoch, run_at = 0, failed_at = 0, error = '' }))
    end
  end
  redis.call('HSET', c.p .. K.meta, 'epoch', text(c.epoch))
  keep_epochs(c, { old_epoch, c.epoch })
  append(c, 'N', '', struct.pack('>I8I8', old_epoch, old_seq) .. (loses_more and '\1' or ''))
  return is_gone
end

-- A new history of this shard: another server process, or one whose data is gone. An epoch that is held still was
-- not compared, so what was lost before it is missing yet.
local function start_history(c, run_id)
  local was_held = c.held
  begin_account(c)
  redis.call('HSET', c.p .. K.meta, 'run_id', run_id, 'layout', text(c.layout), 'gen', c.gen)
  hold(c)
  start_epoch(c, c.epoch, c.seq, was_held)
  finish(c)
end

-- The same history goes on under ids that are free. No entry and no job was lost, so nothing is held; unless the log
-- itself had to go. One that was held stays so, and what was lost before it is missing yet.
begin_above = function(c)
  if start_epoch(c, c.epoch, c.seq, c.held) and not c.held then hold(c) end
end

local function refuse_layout(prefix, layout)
  error({ err = 'LAYOUT the keys of ' .. prefix .. ' have layout ' .. layout .. ', and this program knows no layout '
    .. 'beyond ' .. LAYOUTS .. ': upgrade it to the version that wrote them, or give it another TALLY_NAMESPACE' })
end

-- What every call brings along; answers the caller's clock.
local function check_call(args)
  if not args[1] or #args[1] ~= 40 then refuse('a run_id has 40 characters') end
  return whole(args[2], -LATEST, LATEST, 'now')
end

-- What every function does first.
local function begin(keys, args)
  local now = check_call(args)
  local c = { p = keys[1] }
  local m = redis.call('HMGET', c.p .. K.meta, 'run_id', 'epoch', 'seq', 'last_now', 'held', 'began', 'test_clock',
    'gen', 'frozen_until', 'account', 'layout', 'counted', 'recount', 'clock', 'types', 'parked')
  -- A newer program may have changed the keys since this one attached.
  if m[11] and m[11] ~= '1' and m[11] ~= '2' then refuse_layout(c.p, m[11]) end
  c.layout = m[11] == '2' and 2 or 1
  local t = redis.call('TIME')
  c.last_now = tonumber(c.layout == 1 and m[4] or m[14] or '0')
  c.real_now = math.max(t[1] * 1000000 + t[2], c.last_now)
  c.now = now
  if now <= 0 or m[7] ~= '1' then
    -- The clock stepped, or the server stood still: neither its last caller nor this one expected so late an hour.
    -- Every lease would seem to have run out at once; so for one lease nothing is reclaimed, and what is held stays
    -- valid.
    c.frozen_until = tonumber(m[9] or '0')
    if now < 0 and c.last_now > 0 and c.real_now + now > JUMP and c.real_now - c.last_now > JUMP then
      c.frozen_until = c.real_now + FREEZE
      redis.call('HSET', c.p .. K.meta, 'frozen_until', text(c.frozen_until))
    end
    c.is_frozen = c.real_now < c.frozen_until
    c.now = c.real_now
  end
  c.gen = m[8] or 'a'
  c.epoch, c.seq = tonumber(m[2] or '0'), tonumber(m[3] or '0')
  c.held = m[5] == '1'
  -- The types that are paused, and those of which elements may be parked (types.lua); nil = none.
  c.types, c.parked = m[15] or nil, m[16] or nil
  c.account_bytes = m[10]
  c.recount = m[13] and tonumber(m[13]) or nil
  c.recounted = c.recount
  if m[12] ~= m[3] then c.recount, c.recounted = 0, -1 end
  -- Where nobody has counted yet: from now on.
  if not m[10] or #m[10] ~= 40 then begin_account(c) end
  if m[1] ~= args[1] then
    start_history(c, args[1])
  elseif c.held and c.real_now - tonumber(m[6]) >= HOLD then
    -- Nobody compared the halves in time: go on, and say so.
    redis.call('HSET', c.p .. K.meta, 'held', '0', 'opened', 'unverified')
    c.held = false
  end
  return c
end
