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
-- Keys     reads meta, large, aside; writes meta, aside
--
-- `Keys` in each header are those that its functions read and write, with all that they call. It leaves out what any
-- call may come to: the beginning of a call or of an epoch (epoch.lua), and what goes aside (put_aside below).
--
-- A function checks what it was given, and what it moves, before its first write: Lua does not roll back. So it has
-- met each key that it writes before it moves a job: by what it reads anyway, by a write on which no job depends, or
-- by `need`; and what only counts or shares out (later, outdated, turns, wake) stops no call that has moved one. One
-- thing only the last write finds, since a look at each call would cost every one of them: that a foreign hand has
-- written to the log. That ends no call: the log goes on above what was written (append.lua), and the entry is
-- appended.
-- A function's writes are one step in the append-only file, so a server that crashed comes back with all of them or
-- with none. A call whose answer was lost may have run; `Repeat` in each header says what the same call finds then.
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
local PAUSED_TYPES = 64         -- Limits.pausedTypes
local LOG_ENTRIES = 2000000     -- Limits.logEntries
local TOLD_BYTES = 67108864     -- Limits.toldLogBytes
local FOREIGN = 10000           -- Limits.foreignValues
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


local function text(number) return string.format('%.0f', number) end

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

-- Whether a key is of the type that its place asks for. One that is not there is of any.
local function is_kind(key, kind)
  if kind == 'hash' then return unless_damaged('HLEN', key) ~= nil end
  if kind == 'sorted set' then return unless_damaged('ZSCORE', key, '') ~= nil end
  if kind == 'set' then return unless_damaged('SISMEMBER', key, '') ~= nil end
  if kind == 'stream' then return unless_damaged('XLEN', key) ~= nil end
  return unless_damaged('LLEN', key) ~= nil
end

local WRONG_TYPE = ' has another type than this program keeps there'

-- What a command has answered. Where it met a key of another type the call breaks off, and says which: the server's
-- own words name none.
local function answer_of(key, answer)
  if type(answer) ~= 'table' or not answer.err then return answer end
  if not answer.err:find('WRONGTYPE', 1, true) then error(answer) end
  error({ err = 'WRONGTYPE ' .. key .. WRONG_TYPE })
end

-- Breaks off where a key has another type than its place asks for. To be asked before anything is written.
local function need(key, kind)
  if not is_kind(key, kind) then error({ err = 'WRONGTYPE ' .. key .. WRONG_TYPE }) end
end

-- The n-th name under which what stood in the place of a key goes aside.
local function aside_name(c, key, n) return c.p .. K.aside .. key:sub(#c.p + 1) .. (n == 1 and '' or ':' .. n) end

local function highest_aside(c) return tonumber(redis.call('HGET', c.p .. K.meta, 'aside') or '1') or 1 end

-- A key of another type than its place asks for is nobody's, and would stop every call that meets it: it goes to a
-- name of its own, where a person finds it beside all that went there before. `meta` keeps the highest number that a
-- name has had, so that each is found again (foreign.lua), whichever of those before it a person has taken away.
local function put_aside(c, key)
  local n = 1
  while redis.call('EXISTS', aside_name(c, key, n)) == 1 do n = n + 1 end
  redis.call('RENAME', key, aside_name(c, key, n))
  if n > highest_aside(c) then
    redis.call('HSET', c.p .. K.meta, 'aside', text(n))
  end
end

-- A key that is done with goes; what no function has put there is not ours to remove, and goes aside.
local function remove(c, key, kind)
  if is_kind(key, kind) then redis.call('UNLINK', key) else put_aside(c, key) end
end

-- The length of a list.
local function length_of(c, key)
  local length = unless_damaged('LLEN', key)
  if not length then put_aside(c, key) end
  return length or 0
end

-- A large body, or '' where there is none or none can be read: its job is then told as damaged, and no other.
local function large_body(c, id) return unless_damaged('HGET', c.p .. K.large, id) or '' end

local function element_of(id, version) return id .. struct.pack('>I4', version) end
local function token_of(id, version, epoch) return id .. struct.pack('>I4I8', version, epoch) end
-- What follows reads stored bytes. Those that no function wrote count as none, so that one damaged value stops no
-- call that touches other jobs as well; what it was about the ledger tells.
local function version_of(element) return #element >= 20 and (struct.unpack('>I4', element, 17)) or 0 end
