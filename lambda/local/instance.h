/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One copy of a function that runs here: what Lambda calls an execution environment.
 *
 * It is started by its first event, stays warm for the next, and starts anew after
 * one that it did not survive: a sandbox, its Runtime API and its log. One event
 * at a time; several instances may run in threads of their own.
 *
 * What goes wrong inside the function is its answer; what keeps it from being run at
 * all is an error.
 */

#include "lambda/local/function_log.h"
#include "lambda/local/functions.h"
#include "lambda/platform.h"
#include "oci/base/clock.h"
#include "oci/image.h"

struct instance;

/* All borrowed for the life of the instance. */
struct instance_options {
    const struct function_record *function;
    const struct image *image;
    const struct sandbox_place *place;
    struct clock *clock;
    struct log_listener *listener; /* NULL: none */
    int stop_fd;                   /* readable when all shall end; negative: none */
};

struct instance_event {
    const char *payload; /* JSON */
    size_t count;
    const char *client_context; /* JSON on one line; NULL: none */
    const char *request_id;     /* of invocation_new_id(); NULL: a new one */
    bool is_last;               /* the instance need not stay */
};

/* All owned. */
struct instance_result {
    struct invocation invocation;
    char *log;          /* all of it */
    char *content_type; /* of the answer, as the function says; NULL */
};

/** Starts nothing yet. */
struct instance *instance_new(const struct instance_options *options);
void instance_free(struct instance *instance);

/** Sends the event through. ERROR_CONFLICT when it was stopped. */
bool instance_invoke(struct instance *instance, const struct instance_event *event,
                     struct instance_result *out, struct error *err) MUST_CHECK;

void instance_result_release(struct instance_result *result);

static inline void instance_cleanup(struct instance **variable)
{
    instance_free(*variable);
}
static inline void instance_result_cleanup(struct instance_result *result)
{
    instance_result_release(result);
}
