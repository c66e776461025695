-- What each call that writes leaves in `meta`: the latest time, and how many jobs entered and ended.
--
-- Keys     reads later; writes meta, later

-- The field of `meta` that keeps the latest time. Functions from before each call checked the layout read `last_now`;
-- where that is no number they break off before their first write.
local function clock_field(c) return c.layout == 1 and 'last_now' or 'clock' end

-- What entered and what ended since the epoch began travels with what every call writes anyway.
local function finish(c)
  local last_now, a = text(math.max(c.last_now, c.real_now)), c.account
  local seq = text(c.seq)
  if c.recount ~= c.recounted then keep_recount(c) end
  if a then
    redis.call('HSET', c.p .. K.meta, 'seq', seq, 'counted', seq, clock_field(c), last_now,
      'account', struct.pack('>i8I8I8I8I8', a.base, a.entered, a.c, a.f, a.x))
  else
    redis.call('HSET', c.p .. K.meta, 'seq', seq, 'counted', seq, clock_field(c), last_now)
  end
end

-- Jobs held as the epoch began, entered since, and ended since by status. Unpacked only by who counts.
local function account_of(c)
  if not c.account then
    local base, entered, completed, failed, cancelled = struct.unpack('>i8I8I8I8I8', c.account_bytes)
    c.account = { base = base, entered = entered, c = completed, f = failed, x = cancelled }
  end
  return c.account
end

local function entered(c, count)
  local a = account_of(c)
  a.entered = a.entered + count
end
