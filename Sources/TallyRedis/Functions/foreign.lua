-- foreign: tells of the keys that a shard has once each, and over which a foreign hand has written: where another
-- type stands than the place asks for, and what went aside for that. It does not tell of `meta`, whose loss ends
-- every call, nor of what a queue has, since a list that went aside shows by its jobs; nor of the list that keeps
-- the copies of foreign log entries, since nothing of ours was lost with them.
--
-- ARGV[3]  '1' = with what went aside, '0' = without
-- Keys     reads meta, log, body, large, detours, parkings, due, leases, queues, paused, turns, later, outdated,
--          unique, homes, tombs, workers, duties, aside
-- Returns  now, epoch, held, then of each three values: its name, the type that stands there, and the one that
--          belongs there ('' = it went aside)
-- Log      nothing
-- Repeat   only reads
-- Cost     O(1), and the highest number of a name that anything went aside under
do -- What no other file calls ends with it: see change.lua.
local function tell(out, key, kind, wanted)
  local n = #out
  out[n + 1], out[n + 2], out[n + 3] = key, kind, wanted
end

-- What went aside out of a place, under whichever number. Those of a program that kept no highest number follow each
-- other.
local function tell_aside(c, out, key)
  local n = 1
  while true do
    local name = aside_name(c, key, n)
    if redis.call('EXISTS', name) == 1 then tell(out, name, kind_of(name), '')
    elseif n >= c.highest then return end
    n = n + 1
  end
end

local function look_at(c, out, key, wanted)
  if not is_kind(key, wanted) then tell(out, key, kind_of(key), wanted) end
  if c.with_aside then tell_aside(c, out, key) end
end

redis.register_function { function_name = NAME .. 'foreign', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] ~= '0' and args[3] ~= '1' then refuse('say whether what went aside is wanted') end
  local c, out = begin(keys, args), {}
  c.with_aside = args[3] == '1'
  c.highest = highest_aside(c)
  look_at(c, out, c.p .. K.log, 'stream')
  look_at(c, out, c.p .. K.body, 'hash')
  look_at(c, out, c.p .. K.large, 'hash')
  look_at(c, out, c.p .. K.detours, 'hash')
  look_at(c, out, c.p .. K.parkings, 'hash')
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
  -- What stood where the copies belong went aside in its turn.
  if c.with_aside then tell_aside(c, out, copies_key(c)) end
  return reply_list(c, out)
end }
end
