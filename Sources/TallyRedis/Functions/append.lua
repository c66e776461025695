-- The log: an entry a call that moved jobs, appended after the call's other writes.
--
-- Keys     reads meta, log, aside; writes meta, log, aside

local function move(element, from, to, detail)
  if detail == nil or detail == '' then return element .. from .. to .. ZERO4 end
  return element .. from .. to .. struct.pack('>I4', #detail) .. detail
end

-- Whether a function wrote this entry, by its fields and its id: the first of an epoch is number 1, and the `*` of a
-- foreign hand gives 0. What a foreign hand has written to the log stays where it stands:
-- to take it out would cost as much as there is of it, and the ids that it took up were gone all the same, since a
-- stream that has lost entries accepts none below them. So the log goes on in a new epoch above it, whoever reads
-- passes over it (`behind`), and it is trimmed with what stands around it.
local function is_entry(entry)
  local fields = entry[2]
  return #fields == 8 and fields[1] == 'v' and fields[3] == 't' and fields[5] == 'w' and fields[7] == 'm'
    and #fields[2] == 1 and #fields[4] <= 16 and fields[4]:find('^%d+$') and entry[1]:sub(-2) ~= '-0'
end

-- How many entries the log has, foreign ones among them.
local function log_length(c)
  local key = c.p .. K.log
  local length = unless_damaged('XLEN', key)
  if not length then put_aside(c, key) end
  return length or 0
end

-- What puts more into the queue, or moves it about as often as it is asked to, is refused while the log is full; what
-- is held goes on.
local function is_log_full(c) return log_length(c) >= LOG_ENTRIES end
local function log_full()
  return redis.error_reply('FULL the log holds ' .. LOG_ENTRIES
    .. ' entries that the ledger has not seen: does `tally serve` run, and reach Postgres? What is held goes on')
end
-- Whether what may be left out has room in the log, and takes so much of that. Jobs need the log: a quarter of it is
-- for what workers tell beside their heartbeats, and so many bytes of that until the ledger has them (report.lua).
local function take_room(c, bytes)
  local told = tonumber(redis.call('HGET', c.p .. K.meta, 'told') or '0') or 0
  if told + bytes > TOLD_BYTES or log_length(c) > LOG_ENTRIES / 4 then return false end
  if bytes > 0 then redis.call('HSET', c.p .. K.meta, 'told', text(told + bytes)) end
  return true
end

-- The first number of the highest id that the log ever had, also where its entry is gone; and whether the log had to
-- go aside, because no epoch could lie above that.
local function top_of_log(c)
  local key = c.p .. K.log
  log_length(c)
  if redis.call('EXISTS', key) == 0 then return 0, false end
  local info, top = redis.call('XINFO', 'STREAM', key), 0
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then top = tonumber(info[i + 1]:match('^%d+')) end
  end
  if top < LATEST / 2 then return top, false end
  put_aside(c, key)
  return 0, true
end

-- From where the log goes on behind a foreign entry: an epoch began above it, or nothing of ours follows yet.
local function behind(c, id)
  local foreign, following = tonumber(id:match('^%d+')), nil
  for epoch in (redis.call('HGET', c.p .. K.meta, 'epochs') or ''):gmatch('%d+') do
    epoch = tonumber(epoch)
    if epoch > foreign and (not following or epoch < following) then following = epoch end
  end
  return following and text(following) .. '-0'
end

-- Where copies of foreign entries stand: under no name that something goes aside to (library.lua).
local function copies_key(c) return c.p .. K.aside .. K.log .. ':entries' end

-- Copies what a foreign hand has written behind our last entry to where a person finds it, word for word; a bounded
-- part of it, for there may be millions.
local function keep_foreign(c, epoch, seq)
  local name, from = copies_key(c), '(' .. text(epoch) .. '-' .. text(seq)
  local room, bytes = FOREIGN - length_of(c, name), 0
  for _ = 1, SWEEP do
    local entry = redis.call('XRANGE', c.p .. K.log, from, '+', 'COUNT', 1)[1]
    if not entry then return end
    local values = entry[2]
    if not is_entry(entry) then
      for _, value in ipairs(values) do bytes = bytes + #value end
      room = room - 1 - #values
      if room < 0 or bytes > BODY_BYTES then return end
      redis.call('RPUSH', name, entry[1])
      -- In pieces: `unpack` fails near 8,000 values.
      for i = 1, #values, JOBS_PER_CALL do
        redis.call('RPUSH', name, unpack(values, i, math.min(#values, i + JOBS_PER_CALL - 1)))
      end
    end
    from = '(' .. entry[1]
  end
end

local begin_above -- epoch.lua

local function try_to_append(c, verb, actor, moves)
  local answer = redis.pcall('XADD', c.p .. K.log, text(c.epoch) .. '-' .. text(c.seq), 'v', verb, 't', text(c.now),
    'w', actor, 'm', moves)
  return type(answer) == 'table' and answer.err and answer
end

local function append(c, verb, actor, moves)
  c.seq = c.seq + 1
  local failed = try_to_append(c, verb, actor, moves)
  if not failed then return end
  if failed.err:find('WRONGTYPE', 1, true) then log_length(c)
  elseif failed.err:find('equal or smaller', 1, true) or failed.err:find('last possible ID', 1, true) then
    c.seq = c.seq - 1
    begin_above(c)
    c.seq = c.seq + 1
  else error(failed) end
  failed = try_to_append(c, verb, actor, moves)
  if failed then error(failed) end
end
