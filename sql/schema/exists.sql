-- Whether the version table is there.
-- Params:  none.
-- Returns: bigint 0 or 1.
-- Caller:  Migrator.
SELECT (to_regclass('tally.schema_migrations') IS NOT NULL)::integer::bigint
