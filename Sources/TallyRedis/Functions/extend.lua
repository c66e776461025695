-- extend: moves the expiry of leases that are still held; it can also shorten.
--
-- ARGV[3]  new length from now, µs; ARGV[4…] tokens
-- Keys     reads body, detours, leases, tombs; writes leases
-- Returns  now, epoch, held, new expiry, one letter a token: k extended, K extended and cancellation asked for, n e m
--          refused
-- Log      nothing: extending a lease is not a transition
-- Repeat   moves the expiry again, from the later now
-- Cost     O(tokens × log n)
redis.register_function { function_name = NAME .. 'extend', flags = { 'allow-oom' }, callback = function(keys, args)
  local tokens, length = read_tokens(args, 4, 1), whole(args[3], 1, LATEST / 2, 'the length of a lease')
  local c = begin(keys, args)
  local letters, grants = {}, {}
  local held, detours = held_leases(c, tokens)
  local expiry = text(c.now + length)
  for i, token in ipairs(tokens) do
    if held[i] == true then
      grants[#grants + 1] = expiry
      grants[#grants + 1] = token
      letters[i] = detours[i] and detours[i].flag ~= 0 and 'K' or 'k'
    else
      letters[i] = held[i] or refusal(c, token)
    end
  end
  if #grants > 0 then redis.call('ZADD', c.p .. K.leases, 'XX', unpack(grants)) end
  return reply(c, expiry, table.concat(letters))
end }
