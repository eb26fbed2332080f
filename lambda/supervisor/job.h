/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One event, from its bytes to its answer.
 *
 * Nothing outlives it: its folders are removed, its processes ended, and its
 * environment was its own.
 */

#include "lambda/supervisor/runtime_client.h"
#include "lambda/supervisor/settings.h"

/* What does not change between events. */
struct job_context {
    const struct settings *settings;
    const char *const *environment; /* the supervisor's own */
    const char *const *command;     /* the image's own entrypoint and command; may be empty */
};

/* A response, or the words for a function error. */
struct job_result {
    char *response;           /* NULL: the function failed */
    const char *failure_type; /* "Skiff.Timeout" */
    char *failure;
};

void job_run(const struct job_context *context, const struct invocation *invocation,
             struct job_result *out);
void job_result_release(struct job_result *result);

static inline void job_result_cleanup(struct job_result *variable)
{
    job_result_release(variable);
}
