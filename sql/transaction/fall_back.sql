-- Falls back to it; it stays. Caller: PostgresLedger.apply, on the second try.
ROLLBACK TO SAVEPOINT part
