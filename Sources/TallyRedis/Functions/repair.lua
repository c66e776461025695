-- repair: one compare-and-set of the reconciler.
--
-- ARGV[3]  epoch in which the reconciler looked; ARGV[4] id; ARGV[5] drift code
-- ARGV[6]  what it saw: '-' absent, or 'H' held / 'E' ended .. status .. version (4)
-- ARGV[7]  action: 'P' push, 'B' .. status .. version (4) bury, 'T' tell the end again
-- ARGV[8…] of a push: head, record [, large body], as in push.lua
-- Returns  now, epoch, held, '1' made or '0' raced
-- Log      D by reconciler:<code>, with the one move
-- Cost     O(log n)
redis.register_function { function_name = 'tally_v1_repair', callback = function(keys, args)
  local epoch, id = whole(args[3], 0, LATEST, 'epoch'), args[4]
  check_id(id)
  if #args < 7 or #args > 10 or #args[5] > 40 then
    refuse('a repair has its drift code, what was seen and one action')
  end
  local action = args[7]:sub(1, 1)
  local jobs
  if action == 'P' then
    jobs = read_jobs({ '', '', '', '', unpack(args, 8) })
    if #jobs ~= 1 or jobs[1].id ~= id then refuse('a push repairs the job that it names') end
  elseif action == 'B' then
    if #args[7] ~= 6 or not ('cfx'):find(args[7]:sub(2, 2), 1, true) then
      refuse('only completed, failed and cancelled are ends')
    end
  elseif args[7] ~= 'T' then refuse('no such action') end
  local c = begin(keys, args)
  local actor = 'reconciler:' .. args[5]
  if c.epoch ~= epoch then return reply(c, '0') end
  local d, tomb = current(c, id), tomb_of(c, id)
  local seen = '-'
  if d then seen = 'H' .. d.state .. struct.pack('>I4', d.version)
  elseif tomb then seen = 'E' .. tomb.status .. struct.pack('>I4', tomb.version) end
  if seen ~= args[6] or action == 'T' and not tomb then return reply(c, '0') end
  if action == 'P' then
    local letters = judge_pushes(c, jobs)
    if letters[1] ~= 'P' then return reply(c, '0') end
    push_jobs(c, jobs, letters, 'D', actor)
  elseif action == 'B' then
    local status, version = args[7]:sub(2, 2), (struct.unpack('>I4', args[7], 3))
    if d then
      if d.token then redis.call('ZREM', c.p .. ':leases', d.token) end
      redis.call('ZREM', c.p .. ':due', element_of(id, d.version))
    end
    bury(c, { id, status, struct.pack('>I4', version) })
    append(c, 'D', actor, move(element_of(id, version), d and d.state or '-', status, ''))
  else
    append(c, 'D', actor, move(element_of(id, tomb.version), '-', tomb.status, ''))
  end
  finish(c)
  return reply(c, '1')
end }
