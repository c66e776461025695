-- Undoes migrations/0005_reconcile_cursor.sql. Loses where a round of the reconciler was cut off; the next begins anew.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP TABLE tally.reconcile_cursor;
DELETE FROM tally.schema_migrations WHERE version = 5;
