/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lambda's Runtime API, seen from the function: ask for the next event, answer it.
 *
 *     struct invocation event;
 *     while (runtime_client_next(client, &event, err)) {
 *         ... runtime_client_respond(client, event.request_id, answer, count, err) ...
 *         invocation_release(&event);
 *     }
 *
 * One connection is kept for all of it. This file is the supervisor's door to libcurl.
 *
 * Spec: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/error.h"

/* Lambda takes up to 6 MB each way. */
enum {
    EVENT_LIMIT = 8 * 1024 * 1024,
    RESPONSE_LIMIT = 6 * 1024 * 1024,
};

struct runtime_client;

struct invocation {
    char *request_id;    /* letters, digits and '-' only, so it may become part of a path */
    char *trace_id;      /* NULL when the call is not traced */
    int64_t deadline_ms; /* since 1970; 0 when Lambda does not say */
    char *event;         /* the payload, ended by an uncounted NUL */
    size_t event_count;
};

void invocation_release(struct invocation *invocation);

/** A client for the API at "host:port". */
struct runtime_client *runtime_client_new(const char *api);
void runtime_client_free(struct runtime_client *client);

/** Waits for the next event, as long as it takes. */
bool runtime_client_next(struct runtime_client *client, struct invocation *out,
                         struct error *err) MUST_CHECK;

/** Answers an event. ERROR_INVALID when Lambda refuses the answer, which does not keep
 *  the next event from being asked for; ERROR_NETWORK when it cannot be talked to. */
bool runtime_client_respond(struct runtime_client *client, const char *request_id,
                            const char *json, size_t count, struct error *err) MUST_CHECK;

/** Tells that the event failed, or without `request_id` that no event can be served. `type`
 *  is a word like "Skiff.Timeout"; `message` is any text. Fails like
 *  runtime_client_respond(). */
bool runtime_client_fail(struct runtime_client *client, const char *request_id,
                         const char *type, const char *message, struct error *err) MUST_CHECK;

static inline void invocation_cleanup(struct invocation *variable)
{
    invocation_release(variable);
}
static inline void runtime_client_cleanup(struct runtime_client **variable)
{
    runtime_client_free(*variable);
}
