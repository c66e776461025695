-- The migrations that this schema has.
-- Params:  none.
-- Returns: version bigint, name, checksum, breaking (0 or 1), applied_at; in order.
-- Caller:  Migrator.
SELECT version::bigint, name, checksum, breaking::integer::bigint, applied_at FROM tally.schema_migrations
  ORDER BY version
