/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A transport that does not give up at the first no.
 *
 * Requests are sent again when no answer came, and when the answer was 408, 429,
 * 500, 502, 503 or 504. Waits are random, up to a bound that doubles, so that
 * many clients do not come back all at once; Retry-After is obeyed. A body has to
 * be one that rewinds. Whoever has to begin further back, as an upload has, sends
 * `once` and asks http_try_again().
 */

#include "oci/base/clock.h"
#include "registry/http.h"

struct http_retry_policy {
    unsigned int tries;           /* in all */
    unsigned int first_wait_ms;   /* the bound of the first wait */
    unsigned int longest_wait_ms; /* asked for a longer one, we give up */
};

extern const struct http_retry_policy http_retry_usual;

/** Takes over `inner`; the clock is borrowed, the policy copied. */
struct http *http_retrying(struct http *inner, struct clock *clock,
                           const struct http_retry_policy *policy);
