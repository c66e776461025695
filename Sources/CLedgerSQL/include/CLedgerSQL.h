#ifndef TALLY_LEDGER_SQL_H
#define TALLY_LEDGER_SQL_H
/* The text of a file below sql/, those of sql/lab excepted, by its name without the ending, such as "record/record";
   NULL if there is none. */
const char *tally_sql(const char *name);
/* The migrations in order: name at `index`, or NULL past the end. */
const char *tally_migration(int index);
#endif
