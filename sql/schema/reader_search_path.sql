-- Lets the reader role, if there is one, write `SELECT … FROM jobs` without a schema name.
-- Params:  none (a script).
-- Returns: nothing.
-- Caller:  Migrator, after the last migration.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tally_reader') THEN
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I, public', 'tally_reader', current_database(),
      'tally');
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  NULL;  -- The administrator who made the roles sets it with sql/roles.sql.
END $$
