-- Makes the schema and its version table. Run under schema/lock.sql, and only when read/exists says they are missing:
-- IF NOT EXISTS alone would ask for a right that a plain owner of the schema need not have.
-- Params:  none (a script).
-- Returns: nothing.
-- Caller:  Migrator.
DO $$
BEGIN
  IF to_regnamespace('"tally"') IS NULL THEN
    CREATE SCHEMA "tally";
  END IF;
END $$;
CREATE TABLE tally.schema_migrations (
  version    integer     NOT NULL,
  name       text        NOT NULL,
  checksum   text        NOT NULL,
  breaking   boolean     NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (version)
);
