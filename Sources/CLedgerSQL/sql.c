#include "CLedgerSQL.h"
const char *tally_sql(const char *name) { (void)name; return 0; }
const char *tally_migration(int index) { (void)index; return 0; }
