-- Every key of a shard, behind its prefix, with what it holds. Layout/RedisKey.swift has the same table; nothing else
-- spells a key.
local K = {
  meta = ':meta',          -- hash: run_id, epoch, seq, clock and hold of the shard, its account, layouts and pairing
  log = ':log',            -- stream: an entry a call that moved jobs; its id is epoch-seq
  body = ':body',          -- hash: id -> packed record; whoever stands here is held
  large = ':large',        -- hash: id -> body of more than Limits.inlineBodyBytes
  detours = ':detours',    -- hash: id -> what is known of a job off the straight path
  ready = ':ready:',       -- list, then queue, ':' and priority: elements, runnable now
  parked = ':parked:',     -- list, then queue, NUL, priority and type: elements of a paused type
  parkings = ':parkings',  -- hash: queue -> how many of its elements are parked
  due = ':due',            -- sorted set: elements by the time that they wait for
  leases = ':leases',      -- sorted set: tokens by their expiry
  queues = ':queues',      -- set: the queues that have jobs in their lists or in due
  paused = ':paused',      -- set: the queues that hand out nothing
  turns = ':turns',        -- hash: queue -> place in the pattern of priorities
  later = ':later',        -- hash: queue -> how many of its jobs stand in due
  outdated = ':outdated',  -- hash: queue -> how many elements of its lists stand for no job
  unique = ':unique',      -- hash: k and queue NUL key -> holder; i and id -> queue NUL key
  homes = ':homes',        -- hash: queue -> which half keeps its unique keys: q this one, r the ledger; '' -> epoch
  tombs = ':tombs:',       -- hash, then generation a or b: id -> status and version of a job that ended a while ago
  wake = ':wake:',         -- list, then queue: one token while somebody should look
  workers = ':workers',    -- hash: worker -> what it last said
  duties = ':duties',      -- hash: duty -> when it first and last succeeded, and who said so
  aside = ':aside',        -- then a key's own rest: what stood there and was of another type; foreign log entries
}

-- The key of a queue's list at one priority. No other line puts one together.
local function ready_key(c, queue, priority) return c.p .. K.ready .. queue .. ':' .. priority end
-- The same for the list in which those of one type are parked while it is paused.
local function parked_key(c, queue, priority, name) return c.p .. K.parked .. queue .. '\0' .. priority .. name end
