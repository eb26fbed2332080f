/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Services that AWS puts beside a program: at a link-local address or on the loopback.
 *
 * They answer at once or are not there, so waiting is short and few tries are
 * enough. Nothing here goes through a proxy (registry/http_proxies.h).
 */

#include "oci/base/clock.h"
#include "registry/http.h"

struct metadata_service {
    struct http *http;
    struct clock *clock;
    unsigned int silence_s;
    unsigned int tries;
};

/** Sends the request, to nobody but its host, and reads the answer, whatever its status:
 *  `*text` is the caller's to free(). ERROR_NETWORK when none came. */
bool metadata_ask(const struct metadata_service *service, const struct http_request *request,
                  int *status, char **text, size_t *count, struct error *err) MUST_CHECK;
