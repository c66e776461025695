/* What the demo asks of files: a walk over them (fts), the MIME type (libmagic), the SHA-256 (libcrypto). */
#include <fts.h>
#include <magic.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
