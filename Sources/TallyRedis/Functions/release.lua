-- release: processing -> scheduled, or pending when its time has come. Changes neither attempts nor crashes.
--
-- ARGV[3…] a job: token, run_at (8, 0 = at once)
-- Keys     reads log, body, large, detours, ready, due, leases, later, unique, tombs, wake; writes meta, log, body,
--          large, detours, ready, due, leases, queues, later, unique, tombs, wake
-- Returns  now, epoch, held, one letter a job: s scheduled, p pending, x cancelled, n e m refused
-- Log      R; detail: run_at (8, 0 = at once)
-- Repeat   is refused, since the token is gone: n, or m or e once the job has another lease. It writes nothing
-- Cost     O(jobs × log n)
redis.register_function { function_name = NAME .. 'release', flags = { 'allow-oom' }, callback = function(keys, args)
  local tokens = read_tokens(args, 3, 2, 8, 8)
  for i = 4, #args, 2 do
    if args[i]:byte(1) ~= 0 then refuse('run_at lies beyond every calendar') end
  end
  local c = begin(keys, args)
  return settle(c, 'R', tokens, nil, function(d, i, is_ending)
    d.run_at = (struct.unpack('>I8', args[2 + 2 * i]))
    local later = d.run_at > c.now and not is_ending
    return later and 's' or 'p', later and args[2 + 2 * i] or ZERO8
  end)
end }
