-- Undoes migrations/0008_pairing.sql. Loses which queue is this ledger's; the next program that opens both notes it again.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP TABLE tally.queues;
ALTER TABLE tally.identity DROP COLUMN namespace;
DELETE FROM tally.schema_migrations WHERE version = 8;
