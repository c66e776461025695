-- Undoes migrations/0006_duty_frame.sql. Loses how the duties fare; running processes report it again.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
ALTER TABLE tally.reconciler_lease DROP COLUMN wanted_until;
DROP TABLE tally.duty_leases, tally.duties;
DELETE FROM tally.schema_migrations WHERE version = 6;
