-- reclaim: takes back leases that have run out, in order of (expiry, element). Expiry at exactly now has run out.
-- After a jump of the server's clock it takes back nothing for a while.
--
-- ARGV[3]  at most so many
-- Keys     reads log, body, large, detours, ready, leases, later, unique, wake; writes meta, log, body, large,
--          detours, ready, leases, queues, later, unique, tombs, wake
-- Returns  now, epoch, held, number taken back
-- Log      C; detail: crashes (4), then the error where the job is failed
-- Repeat   takes back the next leases that have run out; a lost answer loses only the number
-- Cost     O(log n + taken)
local CRASHES = 3               -- of a record that does not say: Limits.maxCrashes

local function take_back(c, tokens, actor)
  local ids = {}
  for i, token in ipairs(tokens) do ids[i] = token:sub(1, 16) end
  local records = redis.call('HMGET', c.p .. K.body, unpack(ids))
  local detours = redis.call('HMGET', c.p .. K.detours, unpack(ids))
  local lines, going, moves, ended = {}, {}, {}, {}
  for i, token in ipairs(tokens) do
    local version, epoch = version_of(token), #token == 28 and (struct.unpack('>I8', token, 21)) or -1
    local d = detours[i] and read_detour(detours[i]) or straight(c)
    -- A lease whose job is gone, or has a later one, is only dropped.
    if records[i] and d.state == 'l' and d.version == version and d.epoch == epoch then
      d.crashes = d.crashes + 1
      local to, detail = 'p', struct.pack('>I4', d.crashes)
      if d.flag ~= 0 then to = 'x'
      elseif d.crashes >= (records[i]:byte(3) or CRASHES) then
        to = 'f'
        detail = detail .. 'crashed: the lease ran out ' .. d.crashes .. ' times'
      end
      local element = token:sub(1, 20)
      if to == 'p' then
        d.state, d.epoch, d.run_at = 'p', 0, 0
        going[#going + 1] = { id = ids[i], detour = d }
        line_up(c, lines, records[i], element)
      else
        ended[#ended + 1] = ids[i]
        ended[#ended + 1] = to
        ended[#ended + 1] = token:sub(17, 20)
      end
      moves[#moves + 1] = move(element, 'l', to, detail)
    end
  end
  name_queues_of(c, lines)
  leave(c, ended)
  redis.call('ZREM', c.p .. K.leases, unpack(tokens))
  for _, job in ipairs(going) do put(c, job.id, job.detour) end
  push_lines(c, lines)
  if #moves > 0 then append(c, 'C', actor, table.concat(moves)) end
  return #moves
end

local function reclaim(c, limit)
  if c.is_frozen then return 0 end
  local tokens = redis.call('ZRANGEBYSCORE', c.p .. K.leases, '-inf', text(c.now), 'LIMIT', 0, limit)
  return #tokens == 0 and 0 or take_back(c, tokens, '')
end

redis.register_function { function_name = NAME .. 'reclaim', flags = { 'allow-oom' }, callback = function(keys, args)
  local limit = whole(args[3], 0, LATEST, 'limit')
  local c = begin(keys, args)
  local count = reclaim(c, math.min(limit, JOBS_PER_CALL))
  finish(c)
  return reply(c, count)
end }
