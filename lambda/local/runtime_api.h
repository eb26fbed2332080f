/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The other end of a function's Runtime API: what Lambda is to a runtime.
 *
 * A small server on 127.0.0.1 that knows one event. A function asks for it,
 * works, and posts its response or its error; whatever it sends meanwhile is
 * answered as Lambda would. One thread, driven by poll(), serves until the
 * invocation has come to an end.
 *
 * Spec: Lambda Developer Guide, "Using the Lambda runtime API", 2018-06-01
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

enum { RUNTIME_INIT_LIMIT_MS = 10 * 1000 }; /* for a function to ask for its first event */

struct runtime_api;

/* What a function is given. */
struct runtime_event {
    const char *request_id;
    const char *function_arn;
    const char *trace_id;
    const char *payload; /* JSON */
    size_t count;
    int timeout_ms; /* counted from when the function asks for the event */
};

enum runtime_end {
    RUNTIME_RESPONDED,
    RUNTIME_FAILED,      /* the function reported an error */
    RUNTIME_INIT_FAILED, /* it did so before it asked for an event */
    RUNTIME_EXITED,      /* it ended without a word */
    RUNTIME_TIMED_OUT,
};

struct runtime_outcome {
    enum runtime_end end;
    char *body; /* owned: the response, or the error as JSON; NULL without one */
    size_t count;
    double init_ms; /* until it asked for the event */
    double duration_ms;
};

/** Listens on a free port of 127.0.0.1. */
bool runtime_api_open(struct runtime_api **out, struct error *err) MUST_CHECK;
void runtime_api_free(struct runtime_api *api);

/** "127.0.0.1:<port>", for AWS_LAMBDA_RUNTIME_API. Borrowed from the api. */
const char *runtime_api_address(const struct runtime_api *api);

/** Serves until the event is answered, time is up or `exit_fd` becomes readable (a pidfd, say;
 *  negative: none). A function that has answered may ask for its next event, which never
 *  comes, or end by itself, before this returns. */
bool runtime_api_serve(struct runtime_api *api, const struct runtime_event *event, int exit_fd,
                       struct runtime_outcome *out, struct error *err) MUST_CHECK;

void runtime_outcome_release(struct runtime_outcome *outcome);

static inline void runtime_api_cleanup(struct runtime_api **variable)
{
    runtime_api_free(*variable);
}
static inline void runtime_outcome_cleanup(struct runtime_outcome *outcome)
{
    runtime_outcome_release(outcome);
}
