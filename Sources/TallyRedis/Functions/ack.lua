-- ack: processing -> completed. Wins over a pending cancellation.
--
-- ARGV[3…] a job: token, result
-- Keys     reads log, body, large, detours, leases, later, unique, tombs; writes meta, log, body, large, detours,
--          leases, later, unique, tombs
-- Returns  now, epoch, held, one letter a job: c completed, R repeated, n e m refused
-- Log      A; detail: the result
-- Repeat   of an ack that ended its job answers R while the tombstone lives, 60 s at least after the ledger has the
--          end; later n. Neither writes
-- Cost     O(jobs)
redis.register_function { function_name = NAME .. 'ack', flags = { 'allow-oom' }, callback = function(keys, args)
  local tokens = read_tokens(args, 3, 2, 0, DETAIL)
  local c = begin(keys, args)
  local letters, gone, ended, moves, done, n = {}, {}, {}, {}, {}, 0
  local held = held_leases(c, tokens, true)
  for i = 1, #tokens do
    local token = tokens[i]
    local id = token:sub(1, 16)
    if held[i] == true and not done[id] then
      n = n + 1
      gone[n] = token
      ended[3 * n - 2], ended[3 * n - 1], ended[3 * n] = id, 'c', token:sub(17, 20)
      moves[n] = move(token:sub(1, 20), 'l', 'c', args[2 + 2 * i])
      letters[i] = 'c'
      done[id] = token
    else
      letters[i] = refusal_after(c, done, token, held[i], 'c')
    end
  end
  if #gone > 0 then
    leave(c, ended)
    redis.call('ZREM', c.p .. K.leases, unpack(gone))
    append(c, 'A', '', table.concat(moves))
    finish(c)
  end
  return reply(c, table.concat(letters))
end }
