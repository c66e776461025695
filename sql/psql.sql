-- What the statements of this folder share, so that psql runs them as they stand. From the repository's folder:
--
--   psql "$TALLY_POSTGRES_URL"
--   \i sql/psql.sql
--
-- Then a statement with its `$1` goes behind `PREPARE name AS`; one without goes in as it is. A test prepares each of
-- them in this way.

\set filter `cat sql/fragments/filter.sql`
\set moved `cat sql/fragments/moved.sql`
\set snapshot `cat sql/fragments/snapshot.sql`
\set replay_columns `cat sql/fragments/replay_columns.sql`
\set condition true
\set view `cat sql/fragments/view.sql`
\set counted `cat sql/steps/counted.sql`
\set totals `cat sql/steps/totals.sql`
\set steps `cat sql/steps/ended.sql; echo ,; cat sql/steps/keys.sql; echo ,; cat sql/steps/totals.sql`
