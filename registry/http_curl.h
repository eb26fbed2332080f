/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The transport across the real network, and the door to libcurl.
 *
 * It keeps idle connections to use again. Only http and https are spoken, https
 * certificates are always verified, and http goes unencrypted only where the
 * caller wrote it: a redirect never leads from https to http.
 *
 * `environment` names the proxies (registry/http_proxies.h); this machine is
 * never asked by proxy. A host's own certificates (registry/certificates.h) hold
 * for the requests to it.
 */

#include "registry/http.h"

struct http_curl_options {
    const char *user_agent;
    const char *ca_file;            /* PEM; NULL: $SSL_CERT_FILE, else the system's */
    unsigned int connect_s;         /* give up connecting after; 0: 30 */
    unsigned int silence_s;         /* give up after this long without a byte; 0: 60 */
    const char *const *environment; /* NULL: an empty one */
};

/** Copies the options. Release with http_free(), after the last response. */
struct http *http_curl(const struct http_curl_options *options);
