/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP/1.1 request, put together from whatever pieces arrive.
 *
 * Only bytes go in and fields come out: no socket is known here. What a request
 * may not be (a head too large, a length that is no number) ends in a status to
 * answer with.
 *
 *     struct runtime_request request = {0};
 *     used = runtime_request_add(&request, bytes, count);
 *     if (request.state == REQUEST_COMPLETE) ...
 *
 * Spec: RFC 9112
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/text.h"

enum {
    REQUEST_HEAD_LIMIT = 16 * 1024,
    REQUEST_BODY_LIMIT = 6 * 1024 * 1024 + 100, /* what Lambda takes as an answer */
};

enum request_state {
    REQUEST_HEAD,
    REQUEST_BODY,
    REQUEST_COMPLETE,
    REQUEST_BROKEN, /* answer with `status` and close the connection */
};

struct runtime_request {
    enum request_state state;
    int status;
    char method[16];
    char target[256];
    char error_type[128];  /* Lambda-Runtime-Function-Error-Type; "" without one */
    bool expects_continue; /* the sender waits for "100 Continue" before the body */
    bool is_last;          /* the connection ends after it */
    struct text body;      /* no more than REQUEST_BODY_LIMIT of it is kept */
    uint64_t body_size;    /* all of it, kept or not */

    /* The reader's own. */
    struct text head;
    enum { CHUNK_NONE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER } chunk;
    bool has_length; /* Content-Length was there */
    uint64_t left;   /* of the body or the chunk */
};

/** Adds what arrived; returns how many of the bytes belong to this request. */
size_t runtime_request_add(struct runtime_request *request, const char *bytes, size_t count);

/** Ready for the next request of the connection. */
void runtime_request_release(struct runtime_request *request);
