-- roster: what workers last said of themselves; tells it to the ledger again, or forgets a worker.
--
-- ARGV[3]  'list', 'tell' or 'forget'; ARGV[4] of list: cursor, '0' to begin; else the worker
-- ARGV[5]  of list: about so many; else the words that were seen: without them nothing is done
-- ARGV[6]  of tell and forget: token of the lease to repair ('' = none), which must be that of fence.lua
-- Keys     reads meta, log, later, workers; writes meta, log, later, workers
-- Returns  now, epoch, held, then of list: next cursor ('0' = the end), workers and their words by turns;
--          else '1' done or '0' raced
-- Log      H by the worker, when told again
-- Repeat   of list only reads; of tell appends one more entry with the same words; of forget answers '0'
-- Cost     O(count)
redis.register_function { function_name = NAME .. 'roster', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] == 'list' then
    whole(args[4], 0, math.huge, 'cursor')
    whole(args[5], 1, 1000, 'count')
  elseif args[3] ~= 'tell' and args[3] ~= 'forget' or not args[5] or args[3] == 'tell' and args[4] == '' then
    refuse('list, or tell or forget a worker')
  end
  local c = begin(keys, args)
  local key = c.p .. K.workers
  if args[3] == 'list' then
    local step = redis.call('HSCAN', key, args[4], 'COUNT', args[5])
    return reply_list(c, step[2], step[1])
  end
  check_fence(c, args[6])
  if redis.call('HGET', key, args[4]) ~= args[5] then return reply(c, '0') end
  if args[3] == 'forget' then redis.call('HDEL', key, args[4])
  else
    append(c, 'H', args[4], args[5])
    finish(c)
  end
  return reply(c, '1')
end }
