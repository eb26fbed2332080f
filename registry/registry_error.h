/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a registry says when it says no.
 *
 * Spec: distribution-spec v1.1, spec.md#error-codes
 */

#include "registry/http.h"

/* The first of the errors in an answer's body. All zero: it named none. */
struct registry_reason {
    char code[64];     /* "MANIFEST_UNKNOWN" */
    char message[400]; /* for people */
};

/** Reads the answer's body, whatever it is; at most the first 64 KiB. A busy registry's message
 *  ends in how long it wants to be left alone. */
void registry_reason_read(struct http_response *response, struct registry_reason *out);

/** Makes it our error, "GET https://host/v2/…: 404 MANIFEST_UNKNOWN: manifest unknown", of the
 *  kind that the status stands for. Always returns false. */
bool registry_reason_error(const struct http_request *request, int status,
                           const struct registry_reason *reason, struct error *err);

/** Both of the above. Always returns false. */
bool registry_error(const struct http_request *request, struct http_response *response,
                    struct error *err);
