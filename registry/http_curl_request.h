/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What libcurl is told of a request: method, headers, whom to trust, by which
 * proxy, how long to wait, in what pieces. How bytes then move is
 * registry/http_curl.c's, why they did not registry/http_curl_failure.c's, and the three
 * are libcurl's one door.
 *
 * Source: curl_easy_setopt(3)
 */

#include <curl/curl.h>
#include <stdlib.h>

#include "registry/http_curl.h"
#include "registry/http_proxies.h"
#include "registry/trust.h"

/* The most libcurl hands over at once. A piece costs six calls of the system whatever its size;
 * larger ones save less than the memory of all transfers is worth. */
enum { HTTP_CURL_PIECE_BYTES = 64 * 1024 };

/* What holds for all requests of a transport; all owned. */
struct http_curl_settings {
    char *user_agent; /* may be NULL */
    struct trust *trust;
    char **certificate_folders;
    struct http_proxies proxies;
    unsigned int connect_s;
    unsigned int silence_s;
};

/** Reads the options and their environment; release with http_curl_settings_release(). */
void http_curl_settings_read(const struct http_curl_options *options,
                             struct http_curl_settings *out);
void http_curl_settings_release(struct http_curl_settings *settings);

/** Tells a handle everything but what to do with the bytes. `*headers` is what libcurl borrows
 *  until the exchange is over: the caller's to free, also after a failure, which is that the
 *  host's certificates cannot be read. `*trusted` is for its connections, which would otherwise
 *  trust nobody. */
bool http_curl_set_request(CURL *easy, const struct http_curl_settings *settings,
                           const struct http_request *request, struct curl_slist **headers,
                           struct authorities **trusted, struct error *err) MUST_CHECK;

/** Whether libcurl goes where the answer points, so that we only see the last one. */
bool http_curl_follows_redirects(const struct http_request *request);

/* Only running out of memory makes these calls fail, and that ends the program. */
static inline void must(CURLcode code)
{
    if (code != CURLE_OK)
        abort();
}
