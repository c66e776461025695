-- Marks a place to fall back to. Caller: PostgresLedger.apply, on the second try.
SAVEPOINT part
