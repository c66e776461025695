#ifndef TALLY_QUEUE_FUNCTIONS_H
#define TALLY_QUEUE_FUNCTIONS_H
/* The whole function library as one text: Functions/library.lua, then one file a verb. Ends with a zero byte. */
const char *tally_function_library(void);
#endif
