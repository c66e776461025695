/* libpq 15 or later. If this header is missing: apt-get install libpq-dev */
#if __has_include(<postgresql/libpq-fe.h>)
#include <postgresql/libpq-fe.h>
#else
#include <libpq-fe.h>
#endif
