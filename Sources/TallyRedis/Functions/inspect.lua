-- inspect: the jobs as they stand, and the log end that they were read at.
--
-- ARGV[3…] ids
-- Returns  now, epoch, held, last seq, log length, then of each id six values: record, state and detour (40 fixed
--          bytes, then the error), expiry, large body, status of its tombstone and version; '' where there is none
-- Log      nothing
-- Cost     O(ids)
redis.register_function { function_name = NAME .. 'inspect', flags = { 'allow-oom' }, callback = function(keys, args)
  if #args - 2 > JOBS_PER_CALL then refuse('more than ' .. JOBS_PER_CALL .. ' ids a call') end
  for i = 3, #args do check_id(args[i]) end
  local c = begin(keys, args)
  local out = {}
  for i = 3, #args do
    local id = args[i]
    local d, tomb = current(c, id), tomb_of(c, id)
    out[#out + 1] = d and d.record or ''
    out[#out + 1] = d and write_detour(d) or ''
    out[#out + 1] = d and d.expiry and text(tonumber(d.expiry)) or ''
    out[#out + 1] = d and redis.call('HGET', c.p .. ':large', id) or ''
    out[#out + 1] = tomb and tomb.status or ''
    out[#out + 1] = tomb and text(tomb.version) or ''
  end
  return reply_list(c, out, text(c.seq), redis.call('XLEN', c.p .. ':log'))
end }
