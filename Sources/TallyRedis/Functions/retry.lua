-- retry: processing -> retrying, or pending when its time has come. Writes what it is told.
--
-- ARGV[3…] a job: token, run_at (8) attempts (4) failed_at (8, 0 = now) error
-- Keys     reads log, body, large, detours, ready, due, leases, later, unique, tombs, wake; writes meta, log, body,
--          large, detours, ready, due, leases, queues, later, unique, tombs, wake
-- Returns  now, epoch, held, one letter a job: r retrying, p pending, x cancelled, n e m refused
-- Log      T; detail: run_at (8, 0 = at once) attempts (4) error
-- Repeat   is refused, since the token is gone: n, or m or e once the job has another lease. It writes nothing
-- Cost     O(jobs × log n)
redis.register_function { function_name = NAME .. 'retry', flags = { 'allow-oom' }, callback = function(keys, args)
  local tokens = read_tokens(args, 3, 2, 20, DETAIL)
  for i = 4, #args, 2 do
    if args[i]:byte(1) ~= 0 then refuse('run_at lies beyond every calendar') end
  end
  local c = begin(keys, args)
  return settle(c, 'T', tokens, nil, function(d, i, is_ending)
    local run_at, attempts, failed_at, at = struct.unpack('>I8I4I8', args[2 + 2 * i])
    d.run_at, d.attempts, d.failed_at = run_at, attempts, failed_at == 0 and c.now or failed_at
    d.error = args[2 + 2 * i]:sub(at)
    local later = run_at > c.now and not is_ending
    return later and 'r' or 'p',
      (later and struct.pack('>I8', run_at) or ZERO8) .. struct.pack('>I4', attempts) .. d.error
  end)
end }
