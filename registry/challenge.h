/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How a registry wants to be asked: its WWW-Authenticate headers.
 *
 * A host may offer several ways at once. Of those we know, Bearer comes before
 * Basic, because the password then goes to the token server only.
 *
 * Spec: RFC 9110, section 11.6.1; distribution's token authentication
 */

#include "registry/http.h"

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

/* All zero: none that we know. */
struct challenge {
    enum challenge_scheme scheme;
    char *realm;   /* owned; where tokens are to be had; never NULL for Bearer */
    char *service; /* owned; NULL when it was not given */
};

/** Reads the challenges of all WWW-Authenticate headers and keeps the best. What cannot be
 *  understood is passed over. */
void challenge_read(const struct http_response *response, struct challenge *out);

void challenge_release(struct challenge *challenge);

static inline void challenge_cleanup(struct challenge *challenge)
{
    challenge_release(challenge);
}
