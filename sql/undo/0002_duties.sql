-- Undoes migrations/0002_duties.sql. Destroys outbox, keys, cursor and balances: stop `tally serve` and take a backup.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP TABLE tally.audit_log, tally.reconcile_findings, tally.reconcile_runs, tally.balances, tally.quarantine,
  tally.mirror_cursor, tally.workers, tally.job_effects, tally.unique_keys, tally.outbox;
DELETE FROM tally.schema_migrations WHERE version = 2;
