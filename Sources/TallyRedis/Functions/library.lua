-- The function library of one shard: what every verb shares. One file a verb follows; all are loaded as one text.
-- Before it stand the library's name and the local NAME, with which each function's name begins. Both carry the
-- digest of this text (FunctionLibrary.swift), since names are the whole server's: programs of different versions
-- call their own functions side by side. So every text reads and writes what the `layout` of `meta` says, as all
-- before it did: 1, or 2 where records of layout 2 may be written (raise.lua). A layout that it does not know it
-- refuses.
--
-- KEYS[1]  the shard's prefix, such as {tally:0}; every key below begins with it, so all lie in one slot
-- ARGV[1]  run_id of the server, as this connection learnt it; another one than in `meta` begins a new epoch
-- ARGV[2]  now, unix µs; counts only where `meta` says test_clock. Elsewhere the server's clock decides; a negative
--          number is what the caller reckons that clock to show at least, '0' = it does not know
--
-- A function checks everything before its first write: Lua does not roll back. Its writes are one step in the
-- append-only file, so a server that crashed comes back with all of them or with none. A call whose answer was lost
-- may have run; `Repeat` in each header says what the same call finds then.
--
-- element  = id (16 bytes) .. version (4, big-endian)      token = element .. epoch (8, big-endian)
-- move     = element .. from (1) .. to (1) .. length of detail (4) .. detail; a log entry's `m` is its moves
-- states   s scheduled, p pending, l processing, r retrying, c completed, f failed, x cancelled, - none

local JOBS_PER_CALL = 500       -- Limits.jobsPerCall
local QUEUES = 64               -- Limits.queuesPerCall
local BODY_BYTES = 1048576      -- Limits.bodyBytesPerCall
local SWEEP = 100               -- Limits.sweepPerCall
local EVENTS = 8                -- Limits.eventsRead
local WINDOW = 1000000          -- Limits.queueWindow
local LOG_ENTRIES = 2000000     -- Limits.logEntries
local INLINE_BYTES = 65536      -- Limits.inlineBodyBytes: no record holds a longer body
local RESERVE_BYTES = 8388608   -- Limits.reserveBytes
local INSPECT_BYTES = 8388608   -- Limits.inspectBytes
local TOMBSTONE = 60000000      -- Limits.tombstone, µs
local ISSUED = 30000000         -- Limits.issued, µs
local HOLD = 30000000           -- Limits.hold, µs
local EPOCHS = 64               -- Limits.epochs
local JUMP = 2000000            -- Limits.clockJump, µs that the server's clock may run ahead of all reckoning
local FREEZE = 30000000         -- Limits.lease: how long nothing is reclaimed after a jump, µs
local KEEP_LOG = 30000000       -- Limits.reportedLog, µs
local LATEST = 9007199254740991 -- 2^53 - 1: what a score holds exactly, µs
local DETAIL = 8388608          -- Limits.lineBytes: no result or error is longer, whatever sent it
local LAYOUTS = 2               -- JobRecord.newestLayout: the newest that this text reads and writes

local ZERO4, ZERO8 = '\0\0\0\0', '\0\0\0\0\0\0\0\0'
local PATTERN = { 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0 }   -- JobPriority.pattern


-- Refuses the whole call; only before its first write.
local function refuse(why) error({ err = 'INVALID ' .. why }) end

-- A whole number out of an argument. Infinities, NaN and absence are refused too.
local function whole(argument, least, most, what)
  local number = tonumber(argument)
  if not number or not (number >= least and number <= most) or number % 1 ~= 0 then
    refuse(what .. ' is not a number in range')
  end
  return number
end

local function check_id(id) if not id or #id ~= 16 then refuse('an id has 16 bytes') end end

-- The tokens from args[first] on, each followed by `step - 1` arguments, the first of `least` to `most` bytes.
local function read_tokens(args, first, step, least, most)
  local count = #args - first + 1
  if count < step or count % step ~= 0 or count > step * JOBS_PER_CALL then
    refuse('not 1 to ' .. JOBS_PER_CALL .. ' whole jobs')
  end
  local tokens = {}
  for i = first, #args, step do
    if #args[i] ~= 28 then refuse('a token has 28 bytes') end
    if least and (#args[i + 1] < least or #args[i + 1] > most) then
      refuse('a detail has not the length that it must have')
    end
    tokens[#tokens + 1] = args[i]
  end
  return tokens
end

-- A command's answer, or nil where it met a key of another type, or what is no number: that is damage, and stops no
-- call that touches other jobs as well. Any other error is none, such as a right that the caller lacks: it is raised.
local function unless_damaged(...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if answer.err:find('WRONGTYPE', 1, true) or answer.err:find('not an integer', 1, true)
    or answer.err:find('would overflow', 1, true) then
    return nil
  end
  error(answer)
end

-- A large body, or '' where there is none or none can be read: its job is then told as damaged, and no other.
local function large_body(c, id) return unless_damaged('HGET', c.p .. K.large, id) or '' end

local function text(number) return string.format('%.0f', number) end

local function element_of(id, version) return id .. struct.pack('>I4', version) end
local function token_of(id, version, epoch) return id .. struct.pack('>I4I8', version, epoch) end
-- What follows reads stored bytes. Those that no function wrote count as none, so that one damaged value stops no
-- call that touches other jobs as well; what it was about the ledger tells.
local function version_of(element) return #element >= 20 and (struct.unpack('>I4', element, 17)) or 0 end

-- A detour: what is known of a job off the straight path.
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

-- What waits of a queue, beside the lengths of its lists: `later` counts its members of `due`, `outdated` the
-- elements of its lists whose job has left them otherwise than by a lease. To take such an element out costs
-- O(length), so it stays until it is popped.
--
-- An older program moves jobs without counting. Its entries show as a `seq` that is not `counted`; then `later` is
-- counted anew, some members a sweep. `recount` says how many are counted, from the first one on; nil = all.
local function count_up(c, name, queue, by)
  local count = unless_damaged('HINCRBY', c.p .. name, queue, by)
  if not count or count <= 0 then redis.call('HDEL', c.p .. name, queue) end
end

local function keep_recount(c)
  if c.recounted == -1 then redis.call('DEL', c.p .. K.later) end
  if c.recount then redis.call('HSET', c.p .. K.meta, 'recount', text(c.recount))
  else redis.call('HDEL', c.p .. K.meta, 'recount') end
  c.recounted = c.recount
end

-- Whether the member of `due` is among those that are counted; `by` is how many these become more.
local function is_counted(c, element, by)
  if not c.recount then return true end
  local rank = redis.call('ZRANK', c.p .. K.due, element)
  if not rank or rank >= c.recount then return false end
  c.recount = c.recount + by
  return true
end

local function wait_until(c, queue, element, time)
  if redis.call('ZADD', c.p .. K.due, text(time), element) == 1 and is_counted(c, element, 1) then
    count_up(c, K.later, queue, 1)
  end
end

local function wait_no_more(c, queue, element)
  local counted = is_counted(c, element, -1)
  if redis.call('ZREM', c.p .. K.due, element) == 1 and counted then count_up(c, K.later, queue, -1) end
end

-- The length of a list. A key of another type there is nobody's job, and would stop every call that meets it: it goes
-- to a name of its own, where a person finds it beside all that went there before.
local function length_of(c, key)
  local length = unless_damaged('LLEN', key)
  if length then return length end
  local aside = c.p .. K.aside .. key:sub(#c.p + 1)
  local name, n = aside, 1
  while redis.call('EXISTS', name) == 1 do
    n = n + 1
    name = aside .. ':' .. n
  end
  redis.call('RENAME', key, name)
  return 0
end

-- The waiting jobs of a queue, in its lists and later.
local function count_listed(c, queue)
  local listed = 0
  for p = 0, 3 do listed = listed + length_of(c, c.p .. K.ready .. queue .. ':' .. p) end
  return listed
end
local function count_pending(c, queue)
  local listed = count_listed(c, queue)
  return listed == 0 and 0 or math.max(0, listed - (tonumber(redis.call('HGET', c.p .. K.outdated, queue) or 0) or 0))
end
local function count_later(c, queue) return tonumber(redis.call('HGET', c.p .. K.later, queue) or 0) or 0 end

-- The field of `meta` that keeps the latest time. Functions from before each call checked the layout read `last_now`;
-- where that is no number they break off before their first write.
local function clock_field(c) return c.layout == 1 and 'last_now' or 'clock' end

-- What entered and what ended since the epoch began travels with what every call writes anyway.
local function finish(c)
  local last_now, a = text(math.max(c.last_now, c.real_now)), c.account
  local seq = text(c.seq)
  if c.recount ~= c.recounted then keep_recount(c) end
  if a then
    redis.call('HSET', c.p .. K.meta, 'seq', seq, 'counted', seq, clock_field(c), last_now,
      'account', struct.pack('>i8I8I8I8I8', a.base, a.entered, a.c, a.f, a.x))
  else
    redis.call('HSET', c.p .. K.meta, 'seq', seq, 'counted', seq, clock_field(c), last_now)
  end
end

-- Jobs held as the epoch began, entered since, and ended since by status. Unpacked only by who counts.
local function account_of(c)
  if not c.account then
    local base, entered, completed, failed, cancelled = struct.unpack('>i8I8I8I8I8', c.account_bytes)
    c.account = { base = base, entered = entered, c = completed, f = failed, x = cancelled }
  end
  return c.account
end

local function entered(c, count)
  local a = account_of(c)
  a.entered = a.entered + count
end

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

-- A new history of this shard: another server process, or one whose data is gone. Every lease that survived gets a
-- detour, since 'absent' speaks of the current epoch only. Nothing is leased until the reconciler opens the epoch.
local function start_epoch(c, run_id, old_epoch, old_seq)
  local ms = math.floor(c.real_now / 1000)
  c.epoch = math.max(old_epoch + 1, ms)
  c.seq, c.held = 0, true
  c.account = { base = redis.call('HLEN', c.p .. K.body), entered = 0, c = 0, f = 0, x = 0 }
  local leases = redis.call('ZRANGE', c.p .. K.leases, 0, -1)
  for _, token in ipairs(leases) do
    local id = token:sub(1, 16)
    local version, epoch = version_of(token), #token == 28 and (struct.unpack('>I8', token, 21)) or 0
    if #token == 28 and redis.call('HEXISTS', c.p .. K.body, id) == 1
      and redis.call('HEXISTS', c.p .. K.detours, id) == 0 then
      redis.call('HSET', c.p .. K.detours, id, write_detour({
        state = 'l', version = version, attempts = 0, crashes = 0,
        flag = 0, epoch = epoch, run_at = 0, failed_at = 0, error = '' }))
    end
  end
  redis.call('HSET', c.p .. K.meta, 'run_id', run_id, 'layout', text(c.layout), 'epoch', text(c.epoch), 'held', '1',
    'began', text(c.real_now), 'gen', c.gen, 'opened', '0')
  keep_epochs(c, { old_epoch, c.epoch })
  append(c, 'N', '', struct.pack('>I8I8', old_epoch, old_seq))
  finish(c)
end

local function refuse_layout(prefix, layout)
  error({ err = 'LAYOUT the keys of ' .. prefix .. ' have layout ' .. layout .. ', and this program knows no layout '
    .. 'beyond ' .. LAYOUTS .. ': upgrade it to the version that wrote them, or give it another TALLY_NAMESPACE' })
end

-- What every function does first.
local function begin(keys, args)
  if not args[1] or #args[1] ~= 40 then refuse('a run_id has 40 characters') end
  local now = whole(args[2], -LATEST, LATEST, 'now')
  local c = { p = keys[1] }
  local m = redis.call('HMGET', c.p .. K.meta, 'run_id', 'epoch', 'seq', 'last_now', 'held', 'began', 'test_clock',
    'gen', 'frozen_until', 'account', 'layout', 'counted', 'recount', 'clock')
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
  c.account_bytes = m[10]
  c.recount = m[13] and tonumber(m[13]) or nil
  c.recounted = c.recount
  if m[12] ~= m[3] then c.recount, c.recounted = 0, -1 end
  -- Where nobody has counted yet: from now on.
  if not m[10] or #m[10] ~= 40 then
    c.account = { base = redis.call('HLEN', c.p .. K.body), entered = 0, c = 0, f = 0, x = 0 }
  end
  if m[1] ~= args[1] then
    start_epoch(c, args[1], c.epoch, c.seq)
  elseif c.held and c.real_now - tonumber(m[6]) >= HOLD then
    -- Nobody compared the halves in time: go on, and say so.
    redis.call('HSET', c.p .. K.meta, 'held', '0', 'opened', 'unverified')
    c.held = false
  end
  return c
end

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
-- Whether its body lies beside it, in `large`.
local function is_apart(record) return bit.band(record:byte(4) or 0, 1) ~= 0 end
-- Whether a record may be written where not every program is known to read the newer layout (raise.lua).
local function is_readable(c, record) return (record:byte(1) or 1) <= c.layout end

-- Puts elements at the tail of their lists, one push a list. `batch` is { [key] = { elements } }.
local function line_up(c, batch, record, element)
  local queue = queue_of(record)
  local key = c.p .. K.ready .. queue .. ':' .. priority_of(record)
  local list = batch[key]
  if list == nil then
    list = { queue = queue }
    batch[key] = list
    batch[#batch + 1] = key
  end
  list[#list + 1] = element
end
local function push_lines(c, batch)
  for _, key in ipairs(batch) do
    if not unless_damaged('RPUSH', key, unpack(batch[key])) then
      length_of(c, key)
      redis.call('RPUSH', key, unpack(batch[key]))
    end
    redis.call('SADD', c.p .. K.queues, batch[key].queue)
    wake(c, batch[key].queue)
  end
end

-- The jobs are terminal: everything of them goes but a tombstone. `ended` is { id, status, version (4), … }.
-- `is_absent`: the queue did not hold them, so nothing left it.
local ENDS = { c = true, f = true, x = true }
local function leave(c, ended, is_absent)
  if #ended == 0 then return end
  if not is_absent then
    local a = account_of(c)
    for i = 2, #ended, 3 do a[ended[i]] = a[ended[i]] + 1 end
  end
  local ids, tombstones, n = {}, {}, 0
  for i = 1, #ended, 3 do
    n = n + 1
    ids[n] = ended[i]
    tombstones[2 * n - 1] = ended[i]
    tombstones[2 * n] = ended[i + 1] .. ended[i + 2]
  end
  redis.call('HDEL', c.p .. K.body, unpack(ids))
  if redis.call('EXISTS', c.p .. K.detours) == 1 then redis.call('HDEL', c.p .. K.detours, unpack(ids)) end
  if redis.call('EXISTS', c.p .. K.large) == 1 then unless_damaged('HDEL', c.p .. K.large, unpack(ids)) end
  redis.call('HSET', c.p .. K.tombs .. c.gen, unpack(tombstones))
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
-- taken into account: `done` is { [id] = { version, letter } } of those. To be asked before anything is written.
local function refusal_after(c, done, token, held, wanted)
  local earlier = done[token:sub(1, 16)]
  if not earlier then return held or refusal(c, token, wanted) end
  return wanted and earlier == token and 'R' or 'n'
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
