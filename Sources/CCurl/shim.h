/* libcurl 7.85 or later. If this header is missing: apt-get install libcurl4-openssl-dev */
#ifndef TALLY_CURL_SHIM_H
#define TALLY_CURL_SHIM_H
#include <curl/curl.h>

/* Swift cannot call what takes arguments of any kind: one function for each kind of option. */
static inline CURLcode tally_curl_set_number(CURL *curl, CURLoption option, long value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tally_curl_set_size(CURL *curl, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tally_curl_set_text(CURL *curl, CURLoption option, const char *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tally_curl_set_pointer(CURL *curl, CURLoption option, const void *value) {
    return curl_easy_setopt(curl, option, value);
}
static inline CURLcode tally_curl_set_list(CURL *curl, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(curl, option, value);
}

/* What is called for each line of the answer's head, for each piece of its body, and for each socket that shall be
   opened, with its value. */
static inline CURLcode tally_curl_on_head(CURL *curl, curl_write_callback function, void *value) {
    CURLcode failed = curl_easy_setopt(curl, CURLOPT_HEADERDATA, value);
    return failed != CURLE_OK ? failed : curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, function);
}
static inline CURLcode tally_curl_on_piece(CURL *curl, curl_write_callback function, void *value) {
    CURLcode failed = curl_easy_setopt(curl, CURLOPT_WRITEDATA, value);
    return failed != CURLE_OK ? failed : curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, function);
}
static inline CURLcode tally_curl_on_socket(CURL *curl, curl_opensocket_callback function, void *value) {
    CURLcode failed = curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, value);
    return failed != CURLE_OK ? failed : curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, function);
}

/* The field is shorter than the address that lies there. */
static inline const void *tally_curl_address(const struct curl_sockaddr *address) { return &address->addr; }
static inline CURLcode tally_curl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
#endif
