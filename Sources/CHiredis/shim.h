/* hiredis 0.14 or later. If this header is missing: apt-get install libhiredis-dev */
#include <hiredis/hiredis.h>
