-- Undoes migrations/0017_replay_index.sql. The log is read as a whole again.
-- Params: none (a script). Returns: nothing. Caller: an operator, by hand (Migrator.undoRecipe).
DROP INDEX tally.audit_log_settled, tally.audit_log_replayed_as, tally.audit_log_replays;
DELETE FROM tally.schema_migrations WHERE version = 17;
