-- raise: which layout of records may be written. It never falls but with the shard's data, from which on the
-- ledger's is told again. Once it is 2, functions of programs that do not know layout 2 refuse every call: a worker
-- that cannot read a record would fail its job as damaged. Those from before that check meet a clock that is no
-- number, and break off as well.
--
-- ARGV[3]  '1' or '2' = let this one be written as well; '' = only tells
-- Keys     writes meta
-- Returns  now, epoch, held, the newest that may be written
-- Log      nothing
-- Repeat   changes nothing
-- Cost     O(1)
redis.register_function { function_name = NAME .. 'raise', flags = { 'allow-oom' },
  callback = function(keys, args)
    local wanted = args[3] == '' and 1 or whole(args[3], 1, LAYOUTS, 'the layout of records')
    local c = begin(keys, args)
    if wanted > c.layout then
      c.layout = wanted
      redis.call('HSET', c.p .. K.meta, 'layout', text(wanted), 'last_now', 'layout ' .. text(wanted),
        clock_field(c), text(math.max(c.last_now, c.real_now)))
    end
    return reply(c, text(c.layout))
  end }
