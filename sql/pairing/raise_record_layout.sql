-- Lets this layout of records be recorded; it never falls. A program that does not know the second one would bring
-- jobs to Redis without what is new in them: it refuses this schema from now on, when it opens it.
-- Params:  $1 bigint layout.
-- Returns: bigint, the layout that may be recorded now.
-- Caller:  PostgresLedger.raiseRecordLayout.
WITH raised AS (
  UPDATE tally.identity SET record_layout = greatest(record_layout, $1::bigint) RETURNING record_layout
), marked AS (
  UPDATE tally.schema_migrations SET breaking = true
  WHERE name = '0013_record_layout' AND NOT breaking AND $1::bigint > 1
)
SELECT r.record_layout::bigint FROM raised r
