-- Forgets it. Caller: PostgresLedger.apply, on the second try.
RELEASE SAVEPOINT part
