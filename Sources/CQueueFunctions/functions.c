#include "CQueueFunctions.h"
const char *tally_function_library(void) { return ""; }
