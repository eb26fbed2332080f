/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One request, one answer.
 *
 * `struct http` is whoever can carry out an exchange: libcurl, libcurl with
 * retries around it, or a script of canned answers in a test. They wrap each
 * other, outermost first:
 *
 *     http_retrying(http_curl(&options), clock, &policy)
 *
 * An exchange succeeds when the head of an answer arrived, whatever its status.
 * Deciding what a status means is left to the room that asked. Bodies move both
 * ways as sources, so a blob's GET can feed another host's PUT without either
 * being held. One `struct http` serves any number of threads at once.
 */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "oci/base/http_header.h"
#include "oci/base/stream.h"

struct http_request {
    const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
    const char *url;
    struct http_header headers[HTTP_HEADERS_LIMIT]; /* ends at the first without a name */
    struct source *body;                            /* NULL for none; borrowed */
    uint64_t body_size;                             /* bytes; sent as Content-Length */
    unsigned int silence_s; /* give up after this long without a byte, also of a connection;
                             * 0: the transport's own */
    bool answers_late;      /* the answer may take a few times as long as that */
    bool once;              /* whoever asks knows better how to begin again */
    bool stays;             /* a redirect is the answer: its headers are for this host alone */
};

/* All owned by the response, which is released by the caller. */
struct http_response {
    int status;
    struct http_response_header {
        char *name;
        char *value;
    } * headers;
    size_t header_count;
    char *url;           /* the one that answered, after redirects */
    struct source *body; /* must be freed before the transport is */
};

struct http;

struct http_ops {
    bool (*exchange)(struct http *self, const struct http_request *request,
                     struct http_response *out, struct error *err);
    /* May be NULL: never. */
    bool (*try_again)(struct http *self, unsigned int tries,
                      const struct http_response *refusal);
    void (*free)(struct http *self);
};

/* First member of every transport. */
struct http {
    const struct http_ops *ops;
};

/** Sends the request and waits for the head of the answer. ERROR_NETWORK when none
 *  came. GET and HEAD follow redirects, unless they stay; Authorization goes to no other host.
 */
bool http_exchange(struct http *http, const struct http_request *request,
                   struct http_response *out, struct error *err) MUST_CHECK;

/** Whether a thing larger than an exchange that has failed `tries` times is worth beginning
 *  again: true once it has waited. Unless it is NULL, `refusal` may say how long. Only
 *  transports with patience (registry/http_retry.h) ever say so. */
bool http_try_again(struct http *http, unsigned int tries,
                    const struct http_response *refusal) MUST_CHECK;

/** Whether the same request may have another answer soon: 408, 429, 500, 502, 503, 504. */
bool http_status_may_pass(int status);

/** Like http_exchange() with `body` (may be NULL) sent, and the answer's body read to its end:
 *  `*answer`, at most `limit` bytes and a NUL, is the caller's to free(). */
bool http_exchange_bytes(struct http *http, const struct http_request *request,
                         const void *body, size_t body_count, size_t limit,
                         struct http_response *out, char **answer, size_t *answer_count,
                         struct error *err) MUST_CHECK;

/** Reads the answer's body to its end: at most `limit` bytes and a NUL, the caller's to free().
 *  ERROR_LIMIT when there are more. */
bool http_read_answer(struct http_response *response, size_t limit, char **answer,
                      size_t *answer_count, struct error *err) MUST_CHECK;

/** The beginning of the answer's body, at most `limit` bytes and a NUL; the body can still be
 * read from its first byte on. A new string, the caller's. */
char *http_peek_answer(struct http_response *response, size_t limit);

/** Adds a header to a request that has room for it. Both strings are borrowed. */
void http_add_header(struct http_request *request, const char *name, const char *value);

/** The first header of this name, in any case; NULL when there is none. */
const char *http_header(const struct http_response *response, const char *name);

/** "Sat, 31 Jan 2026 23:59:59 GMT", as in the header Date (RFC 9110, section 5.6.7). Whether it
 *  is one. */
bool http_date_parse(const char *text, time_t *out);

/** The URL for people: without user, password and query. A new string, the caller's. */
char *http_url_for_people(const char *url);

/** Who is asked: "https://host:port", lower case and without the usual port, so that equal
 *  origins are equal strings. A new string, the caller's. */
char *http_url_origin(const char *url);

/** Whether the URL leads to this machine: localhost, 127.0.0.0/8 or [::1]. */
bool http_url_is_loopback(const char *url);

void http_response_release(struct http_response *response);
void http_free(struct http *http);

static inline void http_response_cleanup(struct http_response *response)
{
    http_response_release(response);
}
static inline void http_cleanup(struct http **variable)
{
    http_free(*variable);
}
