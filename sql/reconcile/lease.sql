-- Takes or renews the one reconciler's lease; nobody else's while it lasts.
-- Params: $1 uuid token, $2 holder, $3 bigint length in µs. Returns: one row if it is held now.
-- Caller: PostgresLedger.leaseReconciler.
INSERT INTO tally.reconciler_lease AS l (one, token, holder, until)
VALUES (true, $1::uuid, $2, clock_timestamp() + $3::bigint * interval '1 microsecond')
ON CONFLICT (one) DO UPDATE SET token = EXCLUDED.token, holder = EXCLUDED.holder, until = EXCLUDED.until
  WHERE l.token = EXCLUDED.token OR l.until <= clock_timestamp()
RETURNING 1::bigint
