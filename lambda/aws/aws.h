/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Asking AWS: sign, send, read the answer.
 *
 * The services (ecr, functions, logs, identity) say what they want; this file
 * knows endpoints, signatures, throttling and how AWS words its refusals. Any
 * number of threads may ask at once.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Retry behavior": standard mode
 */

#include <jansson.h>

#include "lambda/aws/aws_settings.h"
#include "lambda/aws/aws_state.h"
#include "lambda/aws/credentials_keeper.h"
#include "lambda/aws/refusal.h"
#include "oci/base/clock.h"
#include "oci/base/progress.h"

/* What every call needs; all borrowed. */
struct aws {
    struct http *http; /* should not repeat requests on its own: that is done here */
    struct credentials_keeper *credentials;
    const char *region;
    const struct aws_settings *settings; /* may name endpoints */
    struct clock *clock;
    struct progress *progress;
    struct aws_state *state;
};

enum {
    AWS_ANSWER_LIMIT = 8 * 1024 * 1024, /* bytes; Lambda's largest answer has 6 MiB */
    AWS_TRIES = 3, /* where neither AWS_MAX_ATTEMPTS nor max_attempts says another */
    AWS_TRIES_LIMIT = 100,
    AWS_CALL_HEADERS_LIMIT = 4,
};

struct aws_call {
    const char *service;   /* as in endpoint_make() */
    const char *operation; /* "CreateFunction", as AWS's documentation names it */
    const char *target;    /* JSON services: what stands before the operation in X-Amz-Target */
    const char *method;    /* NULL: POST */
    const char *path;      /* encoded, with its query; NULL: "/" */
    struct http_header headers[AWS_CALL_HEADERS_LIMIT];
    const char *content_type; /* NULL: the service's own for JSON */
    unsigned int silence_s;   /* as in http_request */
    bool once;                /* repeated only where AWS certainly did not begin */
    bool is_anonymous;        /* not signed */
};

/* All owned. */
struct aws_answer {
    struct http_response head;
    char *bytes;
    size_t count;
};

/** Sends `body` and gives the answer as it is. A refusal makes an error with AWS's own words
 *  and request id, of the kind refusal_kind() says, and is told in `refusal` unless that is
 *  NULL; its status stays 0 when no answer came. Throttling, AWS's own trouble and broken
 *  connections are tried again. */
bool aws_send(const struct aws *aws, const struct aws_call *call, const void *body,
              size_t body_count, struct aws_answer *out, struct refusal *refusal,
              struct error *err) MUST_CHECK;

/** The same with JSON both ways. `body` may be NULL. `*answer`, NULL where it is empty, is the
 *  caller's to json_decref(); `answer` may be NULL. */
bool aws_ask(const struct aws *aws, const struct aws_call *call, const json_t *body,
             json_t **answer, struct refusal *refusal, struct error *err) MUST_CHECK;

void aws_answer_release(struct aws_answer *answer);

static inline void aws_answer_cleanup(struct aws_answer *answer)
{
    aws_answer_release(answer);
}
