-- log: entries of the log after a position, by count and by bytes.
--
-- ARGV[3]  epoch; ARGV[4] seq of the last entry that is known; ARGV[5] at most so many
-- ARGV[6]  bytes: the entry whose moves reach them is the last
-- Keys     reads meta, log
-- Returns  now, epoch, held, then of each entry five values: id, verb, time, worker, moves
-- Log      nothing
-- Repeat   only reads; what no function wrote is passed over
-- Cost     O(entries)
--
-- XRANGE alone is bounded by count, and a count that suits small entries asks for gigabytes of large ones. So the
-- range is read in windows that could not overrun the bytes if all of their entries were as large as one may be.
local LOG_WINDOW = 16

redis.register_function { function_name = NAME .. 'log', flags = { 'allow-oom' }, callback = function(keys, args)
  local epoch, seq = whole(args[3], 0, LATEST, 'epoch'), whole(args[4], 0, LATEST, 'seq')
  local limit, bytes = whole(args[5], 1, LATEST, 'limit'), whole(args[6], 1, LATEST, 'bytes')
  local c = begin(keys, args)
  local out = reply(c)
  if log_length(c) == 0 then return out end
  local n, from, largest = #out, '(' .. text(epoch) .. '-' .. text(seq), 1
  while limit > 0 and bytes > 0 do
    local window = math.max(1, math.min(LOG_WINDOW, limit, math.floor(bytes / largest)))
    local found = redis.call('XRANGE', c.p .. K.log, from, '+', 'COUNT', window)
    local foreign
    for _, entry in ipairs(found) do
      local fields = entry[2]
      if not is_entry(entry) then
        foreign = entry[1]
        break
      end
      local moves = fields[8]
      out[n + 1], out[n + 2], out[n + 3], out[n + 4], out[n + 5] = entry[1], fields[2], fields[4], fields[6], moves
      n, limit, bytes, largest = n + 5, limit - 1, bytes - #moves, math.max(largest, #moves)
      if bytes <= 0 then break end
    end
    if foreign then
      from = behind(c, foreign)
      if not from then break end
    else
      if #found < window then break end
      from = '(' .. found[#found][1]
    end
  end
  return out
end }
