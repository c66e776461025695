/* fts, of the C library, which the module Glibc leaves out: a walk over the files of the demo. */
#include <fts.h>
