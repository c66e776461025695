-- Undoes migrations/0008_pairing.sql. Loses which queue is this ledger's; the next program that opens both notes it again.
DROP TABLE tally.queues;
ALTER TABLE tally.identity DROP COLUMN namespace;
DELETE FROM tally.schema_migrations WHERE version = 8;
