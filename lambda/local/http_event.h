/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP and back: a request as the event a function URL makes of it, and what a function
 * answers as the response it stands for.
 *
 * Spec: Lambda Developer Guide, "Invoking Lambda function URLs", payload format 2.0
 */

#include <time.h>

#include "lambda/local/http_request.h"

/* What is known beside the request itself. Borrowed. */
struct http_event_place {
    const char *host; /* where we listen, with the port */
    const char *peer; /* the sender's address */
    const char *request_id;
    time_t now; /* seconds since 1970 */
};

/** The event, JSON; a new string. */
char *http_event_make(const struct http_request *request, const struct http_event_place *place);

/* All owned. */
struct http_answer {
    int status;
    char *content_type;
    struct text fields; /* header lines */
    char *body;
    size_t count;
};

/** What `payload` stands for. With `content_type`, as the function has it, that of a streamed
 *  HTTP response, the payload has its head in front of its body. An answer that no response can
 *  be made of is a 502, as Lambda's. */
void http_event_answer(const char *payload, size_t count, const char *content_type,
                       struct http_answer *out);
void http_answer_release(struct http_answer *answer);

static inline void http_answer_cleanup(struct http_answer *answer)
{
    http_answer_release(answer);
}
