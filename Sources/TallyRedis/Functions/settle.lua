-- What retry, fail and release share: each takes leases that are held and moves their jobs on.
--
-- `decide(d, i)` answers the new status and the log's detail, and writes what stays into the detour `d`.
-- A pending cancellation ends the job as cancelled instead; then it waits for no time. A job whose body is gone is
-- refused as not processing: it cannot run again from here, and the reconciler brings it back from the ledger.
-- A repeat finds the token gone and writes nothing; it answers R only where `wanted` names the end that the job has.
--
-- Keys     reads log, body, large, detours, ready, due, leases, later, unique, tombs, wake; writes meta, log, body,
--          large, detours, ready, due, leases, queues, later, unique, tombs, wake

-- Lines up the jobs that are runnable, with nothing of any job written: it breaks off here where what the next
-- writes go to has another type. Were the leases still held then, another worker would get what is lined up.
local function prepare_to_go_on(c, going)
  local lines, waits = {}, false
  for _, job in ipairs(going) do
    if job.detour.state == 'p' then line_up(c, lines, job.record, job.element) else waits = true end
  end
  if waits then need(c.p .. K.due, 'sorted set') end
  name_queues_of(c, lines)
  return lines
end

-- The jobs go to where they wait, or are runnable. They hold no lease any more.
local function go_on(c, going, lines)
  for _, job in ipairs(going) do
    local d = job.detour
    if d.state == 'p' then d.run_at = 0
    else
      wait_until(c, queue_of(job.record), job.element, d.run_at)
      if redis.call('ZRANK', c.p .. K.due, job.element) == 0 then wake(c, queue_of(job.record)) end
    end
    put(c, job.id, d)
  end
  push_lines(c, lines)
end

local function settle(c, verb, tokens, wanted, decide)
  local letters, gone, ended, moves, going, done = {}, {}, {}, {}, {}, {}
  local held, detours = held_leases(c, tokens)
  local ids = {}
  for i, token in ipairs(tokens) do ids[i] = token:sub(1, 16) end
  local records = redis.call('HMGET', c.p .. K.body, unpack(ids))
  for i, token in ipairs(tokens) do
    if held[i] == true and not records[i] then held[i] = false end
    if held[i] == true and not done[token:sub(1, 16)] then
      local id, element, version = token:sub(1, 16), token:sub(1, 20), version_of(token)
      local d = detours[i] or straight(c)
      local was_flagged = d.flag ~= 0
      local to, detail = decide(d, i, was_flagged)
      if was_flagged then to = 'x' end
      gone[#gone + 1] = token
      if to == 'f' or to == 'x' then
        ended[#ended + 1] = id
        ended[#ended + 1] = to
        ended[#ended + 1] = token:sub(17, 20)
      else
        d.state, d.version, d.epoch = to, version, 0
        going[#going + 1] = { id = id, element = element, record = records[i], detour = d }
      end
      moves[#moves + 1] = move(element, 'l', to, detail)
      letters[i] = to
      -- A job that ended otherwise than asked is not a repeat.
      done[id] = to == wanted and token or ''
    else
      letters[i] = refusal_after(c, done, token, held[i], wanted)
    end
  end
  if #gone > 0 then
    local lines = prepare_to_go_on(c, going)
    leave(c, ended)
    redis.call('ZREM', c.p .. K.leases, unpack(gone))
    go_on(c, going, lines)
    append(c, verb, '', table.concat(moves))
    finish(c)
  end
  return reply(c, table.concat(letters))
end
