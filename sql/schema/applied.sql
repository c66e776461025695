-- Notes a migration as applied, in its own transaction.
-- Params:  $1 version bigint, $2 name, $3 checksum, $4 breaking bigint.
-- Returns: nothing.
-- Caller:  Migrator.
INSERT INTO tally.schema_migrations (version, name, checksum, breaking) VALUES ($1::bigint, $2, $3, $4::bigint <> 0)
