-- fail: processing -> failed, the dead-letter set. The ledger keeps it; Redis keeps a tombstone.
--
-- ARGV[3…] a job: token, attempts (4) error
-- Keys     reads log, body, large, detours, ready, due, leases, later, unique, tombs, wake; writes meta, log, body,
--          large, detours, ready, due, leases, queues, later, unique, tombs, wake
-- Returns  now, epoch, held, one letter a job: f failed, x cancelled, R repeated, n e m refused
-- Log      F; detail: attempts (4) error
-- Repeat   of a fail that ended its job answers R while the tombstone lives; later, and where it ended as cancelled,
--          n. Neither writes
-- Cost     O(jobs)
redis.register_function { function_name = NAME .. 'fail', flags = { 'allow-oom' }, callback = function(keys, args)
  local tokens = read_tokens(args, 3, 2, 4, DETAIL)
  local c = begin(keys, args)
  return settle(c, 'F', tokens, 'f', function(d, i) return 'f', args[2 + 2 * i] end)
end }
