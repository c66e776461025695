-- Takes or renews the lease of a name; nobody else's while it lasts. Whoever asks urgently leaves word for its
-- holder. One that would last a minute longer than a new one was given before the clock stepped back: it is cut to
-- that minute.
-- Params:  $1 name, $2 uuid token, $3 holder, $4 bigint length in µs, $5 bigint urgent (0/1).
-- Returns: bigint 1 = it is held now, 0 = somebody else's; bigint somebody waits (0/1); holder. No row = somebody
--          else's.
-- Caller:  PostgresLedger.lease.
INSERT INTO tally.duty_leases AS l (name, token, holder, until)
VALUES ($1, $2::uuid, $3, now() + $4::bigint * interval '1 microsecond')
ON CONFLICT (name) DO UPDATE SET
  token = CASE WHEN l.token = EXCLUDED.token OR l.until <= now() THEN EXCLUDED.token ELSE l.token END,
  holder = CASE WHEN l.token = EXCLUDED.token OR l.until <= now() THEN EXCLUDED.holder ELSE l.holder END,
  until = CASE WHEN l.token = EXCLUDED.token OR l.until <= now() THEN EXCLUDED.until
    ELSE least(l.until, EXCLUDED.until + interval '1 minute') END,
  wanted_until = CASE WHEN l.token = EXCLUDED.token THEN l.wanted_until WHEN l.until <= now() THEN NULL
    WHEN $5::bigint <> 0 THEN EXCLUDED.until ELSE l.wanted_until END
  WHERE l.token = EXCLUDED.token OR l.until <= now() OR $5::bigint <> 0
    OR l.until > EXCLUDED.until + interval '1 minute'
RETURNING (l.token = $2::uuid)::integer::bigint, coalesce(l.wanted_until > now(), false)::integer::bigint, l.holder
