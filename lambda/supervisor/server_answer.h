/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a server answers, and how the event's sender wants it.
 *
 *     API Gateway's first format     {statusCode, headers, multiValueHeaders, body, …}
 *     its second                     {statusCode, headers, cookies, body, …}
 *     anything else                  the body, byte for byte
 *
 * A body that is not UTF-8 goes in base64, as isBase64Encoded says.
 *
 * Source: as of request.h
 */

#include "lambda/supervisor/request.h"
#include "oci/base/text.h"

struct server_answer {
    int status;
    struct request_header *headers; /* in their order; names may be there twice */
    size_t header_count;
    struct text body;
};

/** Takes one line of an answer's head; its first line begins the answer anew. What is about the
 *  connection is left out, and so are those beyond REQUEST_HEADERS_LIMIT. */
void server_answer_add_line(struct server_answer *answer, const char *line, size_t count);

/** The response; a new string of `*count` bytes, the caller's to free(). For
 *  REQUEST_DIRECT it takes the body. */
char *server_answer_response(struct server_answer *answer, enum request_form form,
                             size_t *count);

void server_answer_release(struct server_answer *answer);

static inline void server_answer_cleanup(struct server_answer *variable)
{
    server_answer_release(variable);
}
