-- Undoes migrations/0004_reconciler.sql. Loses the details of past runs; a lost worker is called stopped.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP INDEX tally.job_events_order;
UPDATE tally.workers SET status = 'stopped' WHERE status = 'lost';
ALTER TABLE tally.workers DROP CONSTRAINT workers_status_known;
ALTER TABLE tally.workers ADD CONSTRAINT workers_status_known CHECK (status IN ('running', 'draining', 'stopped'));
DROP TABLE tally.identity, tally.reconciler_lease;
DROP INDEX tally.reconcile_findings_job, tally.reconcile_runs_full;
ALTER TABLE tally.reconcile_findings
  DROP COLUMN severity, DROP COLUMN queue, DROP COLUMN detail, DROP COLUMN at, DROP COLUMN first_seen;
ALTER TABLE tally.reconcile_runs
  DROP COLUMN actor, DROP COLUMN host, DROP COLUMN version, DROP COLUMN end_seq, DROP COLUMN found,
  DROP COLUMN repaired, DROP COLUMN raced, DROP COLUMN left_over, DROP COLUMN full_cycle, DROP COLUMN error;
DELETE FROM tally.schema_migrations WHERE version = 4;
