-- What was replayed, and which entries of the log were settled, is found by indexes: the log of what operators asked for is
-- kept for ever, and each replay writes a row a job.
--
-- Locks: SHARE on audit_log while the indexes are built, three reads of it: replays, purges and repairs wait meanwhile. Safe on a
--        live system. Older programs go on.
-- Undo:  undo/0017_replay_index.sql

CREATE INDEX audit_log_replays ON tally.audit_log (subject) WHERE action = 'replay';
COMMENT ON INDEX tally.audit_log_replays IS 'replay/replayed.sql, replay/matching.sql, replay/lineage.sql';

CREATE INDEX audit_log_replayed_as ON tally.audit_log ((detail ->> 'as')) WHERE action = 'replay';
COMMENT ON INDEX tally.audit_log_replayed_as IS 'replay/lineage.sql';

CREATE INDEX audit_log_settled ON tally.audit_log (subject) WHERE action = 'settle quarantine';
COMMENT ON INDEX tally.audit_log_settled IS 'reconcile/unknown_events.sql';
