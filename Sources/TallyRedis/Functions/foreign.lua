-- foreign: the keys that a shard has once each and over which a foreign hand has written: where another type stands
-- than the place asks for, and what went aside for that. Without `meta`, whose loss ends every call, and without what
-- a queue has: a list that went aside shows by its jobs. The copies of foreign log entries are a list, and nothing of
-- ours was lost with them.
--
-- ARGV[3]  '1' = with what went aside, '0' = without
-- Keys     reads log, body, large, detours, due, leases, queues, paused, turns, later, outdated, unique, homes,
--          tombs, workers, duties, aside
-- Returns  now, epoch, held, then of each three values: its name, the type that stands there, and the one that
--          belongs there ('' = it went aside)
-- Log      nothing
-- Repeat   only reads
-- Cost     O(1)
local KINDS = { 'hash', 'list', 'set', 'sorted set', 'stream' }

-- Of a key that is there.
local function kind_of(key)
  for _, kind in ipairs(KINDS) do
    if is_kind(key, kind) then return kind end
  end
  return 'string'
end

local function tell(out, key, kind, wanted)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = key, kind, wanted
end

local function look_at(c, out, key, wanted)
  if not is_kind(key, wanted) then tell(out, key, kind_of(key), wanted) end
  if not c.with_aside then return end
  local aside = c.p .. K.aside .. key:sub(#c.p + 1)
  if redis.call('EXISTS', aside) == 0 then return end
  local kind = kind_of(aside)
  if wanted ~= 'stream' or kind ~= 'list' then tell(out, aside, kind, '') end
end

redis.register_function { function_name = NAME .. 'foreign', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether what went aside is wanted') end
  local c, out = begin(keys, args), {}
  c.with_aside = args[3] == '1'
  look_at(c, out, c.p .. K.log, 'stream')
  look_at(c, out, c.p .. K.body, 'hash')
  look_at(c, out, c.p .. K.large, 'hash')
  look_at(c, out, c.p .. K.detours, 'hash')
  look_at(c, out, c.p .. K.due, 'sorted set')
  look_at(c, out, c.p .. K.leases, 'sorted set')
  look_at(c, out, c.p .. K.queues, 'set')
  look_at(c, out, c.p .. K.paused, 'set')
  look_at(c, out, c.p .. K.turns, 'hash')
  look_at(c, out, c.p .. K.later, 'hash')
  look_at(c, out, c.p .. K.outdated, 'hash')
  look_at(c, out, c.p .. K.unique, 'hash')
  look_at(c, out, c.p .. K.homes, 'hash')
  look_at(c, out, c.p .. K.tombs .. 'a', 'hash')
  look_at(c, out, c.p .. K.tombs .. 'b', 'hash')
  look_at(c, out, c.p .. K.workers, 'hash')
  look_at(c, out, c.p .. K.duties, 'hash')
  return reply_list(c, out)
end }
