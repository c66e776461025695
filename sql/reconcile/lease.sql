-- Takes or renews the lease to repair, as duties/lease.sql does. It has a table of its own since programs from before
-- migration 6 know no other, and must be kept apart as well.
-- Params:  $1 uuid token, $2 holder, $3 bigint length in µs, $4 bigint urgent (0/1).
-- Returns: bigint 1 = it is held now, 0 = somebody else's; bigint somebody waits (0/1); holder. No row = somebody
--          else's.
-- Caller:  PostgresLedger.lease.
INSERT INTO tally.reconciler_lease AS l (one, token, holder, until)
VALUES (true, $1::uuid, $2, now() + $3::bigint * interval '1 microsecond')
ON CONFLICT (one) DO UPDATE SET
  token = CASE WHEN l.token = EXCLUDED.token OR l.until <= now() THEN EXCLUDED.token ELSE l.token END,
  holder = CASE WHEN l.token = EXCLUDED.token OR l.until <= now() THEN EXCLUDED.holder ELSE l.holder END,
  until = CASE WHEN l.token = EXCLUDED.token OR l.until <= now() THEN EXCLUDED.until
    ELSE least(l.until, EXCLUDED.until + interval '1 minute') END,
  wanted_until = CASE WHEN l.token = EXCLUDED.token THEN l.wanted_until WHEN l.until <= now() THEN NULL
    WHEN $4::bigint <> 0 THEN EXCLUDED.until ELSE l.wanted_until END
  WHERE l.token = EXCLUDED.token OR l.until <= now() OR $4::bigint <> 0
    OR l.until > EXCLUDED.until + interval '1 minute'
RETURNING (l.token = $1::uuid)::integer::bigint, coalesce(l.wanted_until > now(), false)::integer::bigint, l.holder
