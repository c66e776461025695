-- cancel: a waiting job ends; a processing one is flagged, and its ack still wins. Where only what waits is meant, a
-- processing one is left as it is: whoever empties a queue stops no worker.
--
-- ARGV[3]  id; ARGV[4] version that the ledger names, '' = only what Redis knows; ARGV[5], ARGV[6] epoch and time at
--          which that was read. Or 'waiting', for jobs of which only what waits is meant; then ARGV[4], ARGV[5] the
--          epoch and time, and from ARGV[6…] on of each its id and the version, up to Limits.jobsPerCall
-- Keys     reads log, body, large, detours, due, leases, later, unique, tombs; writes meta, log, body, large,
--          detours, due, later, outdated, unique, tombs
-- Returns  now, epoch, held, letter, version: x cancelled, l flagged, u unknown, r refused;
--          E and the status where it has ended. Of several one letter a job, k for one that runs and is left as it
--          is, C F X for one that has ended so; then their versions
-- Log      X: from its state to x, one entry for all; a flag is from l to l. A tombstone for an unknown id is from -
--          to x
-- Repeat   answers E and x while the tombstone lives, l where the flag is set; neither writes. Where a version is
--          named, it answers r before the tombstone can be gone, for `issued` is too old by then
-- Cost     O(jobs × log n)

do -- As in change.lua: the library has few locals left.
-- What becomes of it: a letter and a version, and of one that is held how it stands. Nothing is written.
local function judge_cancel(c, id, version, is_late_call)
  if version and is_late_call then return 'r', 0 end
  local d = current(c, id)
  if d then return d.state == 'l' and 'l' or 'x', d.version, d end
  local tombstone = tombstone_of(c, id)
  if tombstone and (not version or tombstone.version >= version) then
    return 'E' .. tombstone.status, tombstone.version
  end
  if not version then return 'u', 0 end
  return 'x', version
end

-- Ends what waits, and ids that only the ledger knows: those are without a detour.
local function end_waiting(c, jobs)
  if #jobs == 0 then return end
  local held, absent, moves, waits = {}, {}, {}, false
  for i, job in ipairs(jobs) do
    local ended = job.d and held or absent
    local n = #ended
    ended[n + 1], ended[n + 2], ended[n + 3] = job.id, 'x', struct.pack('>I4', job.version)
    waits = waits or job.d and job.d.state ~= 'p'
    moves[i] = move(element_of(job.id, job.version), job.d and job.d.state or '-', 'x', '')
  end
  -- The rest was read with the jobs.
  if waits then need(c.p .. K.due, 'sorted set') end
  leave(c, held)
  leave(c, absent, true)
  for _, job in ipairs(jobs) do
    local queue = job.d and queue_of(job.d.record)
    if queue and job.d.state == 'p' then count_up(c, K.outdated, queue, 1)
    elseif queue then wait_no_more(c, queue, element_of(job.id, job.version)) end
  end
  append(c, 'X', '', table.concat(moves))
  finish(c)
end

local function cancel_one(c, id, version, is_late_call)
  local letter, held, d = judge_cancel(c, id, version, is_late_call)
  if letter == 'x' then end_waiting(c, { { id = id, version = held, d = d } })
  elseif letter == 'l' and d.flag == 0 then
    d.flag = 1
    put(c, id, d)
    append(c, 'X', '', move(element_of(id, held), 'l', 'l', ''))
    finish(c)
  end
  return reply(c, letter, held)
end

-- Decides every job before anything is written. An id that is named twice has ended by then.
local function cancel_waiting(c, args, is_late_call)
  local letters, versions, jobs, done = {}, {}, {}, {}
  for i = 6, #args, 2 do
    local id, letter, version, d = args[i], 'Ex', done[args[i]], nil
    if not version then letter, version, d = judge_cancel(c, id, tonumber(args[i + 1]), is_late_call) end
    if letter == 'x' then
      done[id] = version
      jobs[#jobs + 1] = { id = id, version = version, d = d }
    end
    letters[#letters + 1] = letter == 'l' and 'k' or #letter == 2 and letter:sub(2):upper() or letter
    versions[#versions + 1] = version
  end
  end_waiting(c, jobs)
  return reply_list(c, versions, table.concat(letters))
end

local function check_several(args)
  if #args < 7 or #args % 2 ~= 1 or #args > 5 + 2 * JOBS_PER_CALL then
    refuse('not 1 to ' .. JOBS_PER_CALL .. ' whole jobs')
  end
  whole(args[4], 0, LATEST, 'epoch')
  whole(args[5], 0, LATEST, 'issued')
  for i = 6, #args, 2 do
    check_id(args[i])
    if args[i + 1] ~= '' then whole(args[i + 1], 1, 4294967295, 'version') end
  end
end

redis.register_function { function_name = NAME .. 'cancel', flags = { 'allow-oom' }, callback = function(keys, args)
  if args[3] == 'waiting' then
    check_several(args)
    local c = begin(keys, args)
    return cancel_waiting(c, args, is_late(c, args[4], args[5]))
  end
  local id, version = args[3], nil
  check_id(id)
  if args[4] ~= '' then
    version = whole(args[4], 1, 4294967295, 'version')
    whole(args[5], 0, LATEST, 'epoch')
    whole(args[6], 0, LATEST, 'issued')
  end
  local c = begin(keys, args)
  return cancel_one(c, id, version, version and is_late(c, args[5], args[6]))
end }
end
