/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The other end of a function's Runtime API: what Lambda is to a runtime.
 *
 * A small server on 127.0.0.1. A function that starts is waited for until it asks
 * for an event, gets one, works, posts its response or its error, and asks for the
 * next, which it is kept waiting for; whatever it sends meanwhile is answered as
 * Lambda would. One thread does it all, and gathers the function's log, too.
 *
 * Others on the machine reach 127.0.0.1, too, and are refused: who may ask is whoever runs
 * this, and the function's user.
 *
 *     runtime_api_init(api, &watch, limit_ms, &outcome, err)
 *     while (outcome.end == RUNTIME_READY && there is an event)
 *         runtime_api_serve(api, &event, &watch, &outcome, err)
 *
 * Spec: Lambda Developer Guide, "Using the Lambda runtime API", 2018-06-01
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lambda/local/function_log.h"
#include "oci/base/error.h"

enum { RUNTIME_INIT_LIMIT_MS = 10 * 1000 }; /* for a function to ask for its first event */

struct runtime_api;

/* What a function is given. */
struct runtime_event {
    const char *request_id;
    const char *function_arn;
    const char *trace_id;
    const char *client_context; /* JSON; NULL: none */
    const char *payload;        /* JSON */
    size_t count;
    int timeout_ms; /* counted from when the function gets the event */
};

/* What is looked at while the function is waited for. */
struct runtime_watch {
    int exit_fd;   /* readable when the function has ended (a pidfd, say); negative: none */
    int memory_fd; /* readable when it shall end, for it wants too much; negative: none */
    int stop_fd;   /* readable when nobody wants the answer any more; negative: none */
    struct function_log *log; /* NULL: none */
};

enum runtime_end {
    RUNTIME_READY, /* it has asked for an event */
    RUNTIME_RESPONDED,
    RUNTIME_FAILED,      /* the function reported an error */
    RUNTIME_INIT_FAILED, /* it did so before it asked for an event */
    RUNTIME_EXITED,      /* it ended without a word */
    RUNTIME_TIMED_OUT,
};

struct runtime_outcome {
    enum runtime_end end;
    bool is_ready; /* the function waits for another event */
    char *body;    /* owned: the response, or the error as JSON; NULL without one */
    size_t count;
    char *content_type; /* owned: of a response; NULL when not said */
    char *error_type;   /* owned: what the function calls its error; NULL when not said */
    double duration_ms; /* of the init phase, or of the event */
};

/** Listens on a free port of 127.0.0.1, for this process's user. */
bool runtime_api_open(struct runtime_api **out, struct error *err) MUST_CHECK;

/** Lets another user of the machine ask as well. */
void runtime_api_admit(struct runtime_api *api, uid_t user);

void runtime_api_free(struct runtime_api *api);

/** "127.0.0.1:<port>", for AWS_LAMBDA_RUNTIME_API. Borrowed from the api. */
const char *runtime_api_address(const struct runtime_api *api);

/** Serves until the function asks for an event (RUNTIME_READY), says that it cannot, ends, or
 *  `limit_ms` are over since runtime_api_open(). ERROR_CONFLICT when it was stopped. */
bool runtime_api_init(struct runtime_api *api, const struct runtime_watch *watch, int limit_ms,
                      struct runtime_outcome *out, struct error *err) MUST_CHECK;

/** Gives the event to a function that is ready, and serves until it has answered and is ready
 *  again or has ended, or time is up. ERROR_CONFLICT when it was stopped. */
bool runtime_api_serve(struct runtime_api *api, const struct runtime_event *event,
                       const struct runtime_watch *watch, struct runtime_outcome *out,
                       struct error *err) MUST_CHECK;

void runtime_outcome_release(struct runtime_outcome *outcome);

static inline void runtime_api_cleanup(struct runtime_api **variable)
{
    runtime_api_free(*variable);
}
static inline void runtime_outcome_cleanup(struct runtime_outcome *outcome)
{
    runtime_outcome_release(outcome);
}
