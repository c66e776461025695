/* What the demo asks of a file: the MIME type (libmagic), the SHA-256 (libcrypto). */
#include <magic.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
