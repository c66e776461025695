/* What the demo asks of a file: its MIME type (libmagic) and its SHA-256 (libcrypto). */
#include <magic.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
