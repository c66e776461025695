#ifndef TALLY_LEDGER_MIGRATIONS_H
#define TALLY_LEDGER_MIGRATIONS_H
/* The text of a file of sql/migrations or sql/undo by its name; NULL if it is none of them. For sql.c alone. */
const char *tally_migration_text(const char *name);
#endif
