/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How AWS says no.
 *
 * Its services word refusals in four ways: JSON with a __type, JSON beside an
 * X-Amzn-ErrorType header, XML, and whatever a proxy on the way says. All become
 * one value: a code for decisions, a message for people, the id to show support.
 *
 * Source: Smithy specification, "AWS protocols"; AWS query protocol
 */

#include "registry/http.h"

enum { REFUSAL_REGION_LIMIT = 64 };

struct refusal {
    int status;
    char code[100];    /* "ResourceNotFoundException"; "" when nobody said one */
    char message[600]; /* AWS's own words; may be empty */
    char request_id[100];
    char region[REFUSAL_REGION_LIMIT]; /* S3: where what was asked for is; "" when not said */
};

/** Reads it from an answer and its body. Never fails: what cannot be read stays empty. */
void refusal_read(const struct http_response *response, const char *body, size_t count,
                  struct refusal *out);

/** What it means for us: NOT_FOUND, CONFLICT, DENIED, LIMIT, NETWORK (AWS's own trouble) or
 *  INVALID (ours). */
enum error_kind refusal_kind(const struct refusal *refusal);

/** Whether AWS asks us to slow down, and so did not do what was asked. */
bool refusal_is_throttling(const struct refusal *refusal);

/** Whether the credentials have ended before their time, and AWS did not do what was asked. */
bool refusal_is_expiry(const struct refusal *refusal);

/** Whether asking again may help. */
bool refusal_is_passing(const struct refusal *refusal);

/** Sets the error: code, message, request id and, where one helps, a hint. Always false. */
bool refusal_set_error(const struct refusal *refusal, struct error *err);
