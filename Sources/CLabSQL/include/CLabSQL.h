#ifndef TALLY_LAB_SQL_H
#define TALLY_LAB_SQL_H
/* The text of a file below sql/lab, by its name without the ending, such as "drill/rows"; NULL if there is none. */
const char *tally_lab_sql(const char *name);
#endif
