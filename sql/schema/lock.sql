-- Serialises migrations of one schema until the transaction ends. Nothing of the session: a pooler may stand in
-- between.
-- Params:  none.
-- Returns: one row.
-- Caller:  Migrator, after schema/patience.sql.
SELECT pg_advisory_xact_lock(1952541804, hashtext('tally'))
