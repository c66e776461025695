-- cancel: a waiting job ends; a processing one is flagged, and its ack still wins.
--
-- ARGV[3]  id; ARGV[4] version that the ledger names, '' = only what Redis knows; ARGV[5], ARGV[6] epoch and time at
--          which that was read
-- Keys     reads log, body, large, detours, due, leases, later, unique, tombs; writes meta, log, body, large,
--          detours, due, later, outdated, unique, tombs
-- Returns  now, epoch, held, letter, version: x cancelled, l flagged, u unknown, r refused;
--          E and the status where it has ended
-- Log      X: from its state to x; a flag is from l to l. A tombstone for an unknown id is from - to x
-- Repeat   answers E and x while the tombstone lives, l where the flag is set; neither writes. Where a version is
--          named, it answers r before the tombstone can be gone, for `issued` is too old by then
-- Cost     O(log n)
redis.register_function { function_name = NAME .. 'cancel', flags = { 'allow-oom' }, callback = function(keys, args)
  local id, version = args[3], nil
  check_id(id)
  if args[4] ~= '' then
    version = whole(args[4], 1, 4294967295, 'version')
    whole(args[5], 0, LATEST, 'epoch')
    whole(args[6], 0, LATEST, 'issued')
  end
  local c = begin(keys, args)
  if version and is_late(c, args[5], args[6]) then return reply(c, 'r', 0) end
  local d = current(c, id)
  if d and d.state == 'l' then
    if d.flag == 0 then
      d.flag = 1
      put(c, id, d)
      append(c, 'X', '', move(element_of(id, d.version), 'l', 'l', ''))
      finish(c)
    end
    return reply(c, 'l', d.version)
  end
  if d then
    -- The rest was read with the job.
    if d.state ~= 'p' then need(c.p .. K.due, 'sorted set') end
    leave(c, { id, 'x', struct.pack('>I4', d.version) })
    if d.state == 'p' then count_up(c, K.outdated, queue_of(d.record), 1)
    else wait_no_more(c, queue_of(d.record), element_of(id, d.version)) end
    append(c, 'X', '', move(element_of(id, d.version), d.state, 'x', ''))
    finish(c)
    return reply(c, 'x', d.version)
  end
  local tombstone = tombstone_of(c, id)
  if tombstone and (not version or tombstone.version >= version) then
    return reply(c, 'E' .. tombstone.status, tombstone.version)
  end
  if not version then return reply(c, 'u', 0) end
  leave(c, { id, 'x', struct.pack('>I4', version) }, true)
  append(c, 'X', '', move(element_of(id, version), '-', 'x', ''))
  finish(c)
  return reply(c, 'x', version)
end }
