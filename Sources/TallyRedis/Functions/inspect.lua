-- inspect: the jobs as they stand, and the log end that they were read at.
--
-- ARGV[3…] ids; before them 'heads' where records are wanted without their bodies
-- Keys     reads log, body, large, detours, leases, tombs
-- Returns  now, epoch, held, last seq, log length, then of each id six values: record, state and detour (40 fixed
--          bytes, then the error), expiry, large body, status of its tombstone and version; '' where there is none.
--          Of a large body that is not wanted, its length. Answers for fewer ids than were asked once the records
--          reach INSPECT_BYTES, at least for one: who asks goes on with the rest
-- Log      nothing
-- Repeat   only reads
-- Cost     O(ids)
--
-- At a fixed place a record says in 4 bytes how long its body is, which is all of its end: cut off, it leaves the
-- head. Where that number is not to be believed too much or too little is left, and the record is told as damaged.
local function head_of(record)
  local at = fields_at(record) + 48
  if #record < at + 3 or is_apart(record) then return record end
  return record:sub(1, math.max(0, #record - (struct.unpack('>I4', record, at))))
end

local function length_of_large(c, id)
  return text(unless_damaged('HSTRLEN', c.p .. K.large, id) or 0)
end

redis.register_function { function_name = NAME .. 'inspect', flags = { 'allow-oom' }, callback = function(keys, args)
  local is_whole, first = true, 3
  if args[3] == 'heads' then is_whole, first = false, 4 end
  if #args - first + 1 > JOBS_PER_CALL then refuse('more than ' .. JOBS_PER_CALL .. ' ids a call') end
  for i = first, #args do check_id(args[i]) end
  local c = begin(keys, args)
  local out = reply(c, text(c.seq), log_length(c))
  local n, bytes = #out, 0
  for i = first, #args do
    local id = args[i]
    local d, tombstone = current(c, id), tombstone_of(c, id)
    local record, large = '', ''
    if d and is_whole then
      record = d.record
      if is_apart(record) then large = large_body(c, id) end
    elseif d then
      record = head_of(d.record)
      if is_apart(d.record) then large = length_of_large(c, id) end
    end
    out[n + 1] = record
    out[n + 2] = d and write_detour(d) or ''
    out[n + 3] = d and d.expiry and text(tonumber(d.expiry)) or ''
    out[n + 4] = large
    out[n + 5] = tombstone and tombstone.status or ''
    out[n + 6] = tombstone and text(tombstone.version) or ''
    n, bytes = n + 6, bytes + #record + #large
    if bytes >= INSPECT_BYTES then break end
  end
  return out
end }
