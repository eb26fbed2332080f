/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP/1.1 request, put together from whatever pieces arrive.
 *
 * Only bytes go in and fields come out: no socket is known here. What a request
 * may not be (a head too large, a length that is no number) ends in a status to
 * answer with.
 *
 *     struct http_request request = {0};
 *     used = http_request_add(&request, bytes, count);
 *     if (request.state == REQUEST_COMPLETE) ...
 *
 * Spec: RFC 9112
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/text.h"

enum {
    REQUEST_HEAD_LIMIT = 32 * 1024, /* and of all the trailers, too */
    REQUEST_TARGET_LIMIT = 8 * 1024,
    REQUEST_BODY_LIMIT = 6 * 1024 * 1024 + 100, /* what Lambda takes as an answer */
};

enum request_state {
    REQUEST_HEAD,
    REQUEST_BODY,
    REQUEST_COMPLETE,
    REQUEST_BROKEN, /* answer with `status` and close the connection */
};

struct http_request {
    enum request_state state;
    int status;
    char method[16];
    char *target;          /* NULL until the head is complete */
    bool expects_continue; /* the sender waits for "100 Continue" before the body */
    bool is_last;          /* the connection ends after it */
    struct text body;      /* no more than REQUEST_BODY_LIMIT of it is kept */
    uint64_t body_size;    /* all of it, kept or not */

    /* Name, NUL, value, NUL, one after the other; names in small letters. */
    struct text fields;
    struct text trailers;

    /* The reader's own. */
    struct text head; /* then the unfinished line around chunks */
    enum { CHUNK_NONE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER } chunk;
    bool has_length; /* Content-Length was there */
    uint64_t left;   /* of the body or the chunk */
};

/** Adds what arrived; returns how many of the bytes belong to this request. */
size_t http_request_add(struct http_request *request, const char *bytes, size_t count);

/** The first value of `name`, in small letters, in `fields` or `trailers`; NULL without one. */
const char *http_request_field(const struct text *fields, const char *name);

/** Steps through the fields: from `at`, NULL in the beginning, to the next name, behind which
 *  its value is; NULL at the end. */
const char *http_request_next_field(const struct text *fields, const char *at);

/** The value that belongs to a name of http_request_next_field(). */
const char *http_request_value(const char *name);

/** Ready for the next request of the connection. */
void http_request_release(struct http_request *request);
