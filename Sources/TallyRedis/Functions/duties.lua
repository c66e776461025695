-- duties: keeps how the duties of one process fare, and tells how all fare: where no ledger does.
--
-- ARGV[3]  the process that reports
-- ARGV[4…] for each duty: name, limit of silence in µs, last success so many µs ago (-1 = none), error
-- Keys     reads duties; writes duties
-- Returns  now, epoch, held, then for each duty that is known: name, limit, µs since its last success (-1 = none), µs
--          since it was first reported, error, process
-- Log      nothing
-- Repeat   keeps the later of two successes, so the same report again changes nothing
-- Cost     O(duties); at most 100 are kept
local DUTIES = 100

redis.register_function { function_name = NAME .. 'duties', flags = { 'allow-oom' }, callback = function(keys, args)
  local holder = args[3]
  if not holder or (#args - 3) % 4 ~= 0 or #args > 3 + 4 * DUTIES then refuse('a duty has four arguments') end
  for i = 4, #args, 4 do
    whole(args[i + 1], 0, LATEST, 'a limit')
    whole(args[i + 2], -1, LATEST, 'a last success')
  end
  local c = begin(keys, args)
  local key = c.p .. K.duties
  for i = 4, #args, 4 do
    local known = redis.call('HGET', key, args[i])
    local first, last = c.real_now, 0
    if known and #known >= 28 then first, last = struct.unpack('>I8I8', known) end
    local ago = tonumber(args[i + 2])
    if ago >= 0 then last = math.max(last, c.real_now - ago) end
    if known or redis.call('HLEN', key) < DUTIES then
      redis.call('HSET', key, args[i], struct.pack('>I8I8I8I4', first, last, tonumber(args[i + 1]), #args[i + 3])
        .. args[i + 3] .. holder)
    end
  end
  local all, told = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    if #all[i + 1] >= 28 then
      local first, last, silence, length, at = struct.unpack('>I8I8I8I4', all[i + 1])
      for _, value in ipairs({ all[i], text(silence), last == 0 and '-1' or text(math.max(0, c.real_now - last)),
        text(math.max(0, c.real_now - first)), all[i + 1]:sub(at, at + length - 1), all[i + 1]:sub(at + length) }) do
        told[#told + 1] = value
      end
    end
  end
  local answer = reply(c)
  for _, value in ipairs(told) do answer[#answer + 1] = value end
  return answer
end }
