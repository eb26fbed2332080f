/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An event as a request to a server, for functions that are one.
 *
 *     httpMethod, path, …                 API Gateway's first format, also of load balancers
 *     requestContext.http, rawPath, …     its second, also of Function URLs
 *     anything else                       POST /, with the event itself as the body
 *
 * What strangers have written is made such that it stays within its line: a path has no blanks,
 * a header no line ends. Headers that are about a connection are not about this one.
 *
 * Source: Amazon API Gateway developer guide, "Working with AWS Lambda proxy integrations for
 * HTTP APIs"; Lambda developer guide, "Using Lambda with an Application Load Balancer"
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

enum { REQUEST_HEADERS_LIMIT = 1000 };

/* How an answer to the event has to look. */
enum request_form {
    REQUEST_DIRECT,
    REQUEST_V1,
    REQUEST_V2,
    REQUEST_ELB /* a load balancer whose target group has no lists of headers */
};

struct request_header {
    char *name;
    char *value; /* may be "" */
};

struct request {
    enum request_form form;
    char *method;
    char *target; /* "/path?query" */
    struct request_header *headers;
    size_t header_count;
    const char *body; /* of a direct event the event's own bytes; NULL: none */
    size_t body_count;
    char *decoded; /* what `body` points at otherwise */
};

/** Reads an event, whose bytes have to live as long as `*out`. ERROR_INVALID when it is a
 * request that cannot be made, ERROR_LIMIT when it has too many headers. */
bool request_read(const char *bytes, size_t count, struct request *out,
                  struct error *err) MUST_CHECK;

/** Adds a header of our own, instead of one with that name. */
void request_set_header(struct request *request, const char *name, const char *value);

/** Its value, whatever the case of its name; NULL without one. Borrowed. */
const char *request_header(const struct request *request, const char *name);

/** Whether a header is about one connection, and not to be passed on. */
bool request_is_hop_header(const char *name);

void request_release(struct request *request);

static inline void request_cleanup(struct request *variable)
{
    request_release(variable);
}
