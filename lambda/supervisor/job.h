/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One event, from its bytes to its answer: a run for each of its records, one after the other.
 * A record that fails does not keep the next from being tried; a time-out does.
 *
 * Nothing outlives it: its folders are removed, its processes ended, and its
 * environment was its own.
 */

#include "lambda/supervisor/run.h"

/* A response, or the words for a function error. */
struct job_result {
    char *response; /* NULL: the function failed, or there is nobody to answer */
    size_t response_count;
    int exit_code;            /* of the first program that ended with another than 0 */
    const char *failure_type; /* "Skiff.Timeout"; NULL: it did not fail */
    char *failure;
    size_t reason_count; /* of its bytes, before what the program printed; 0: all are */
};

void job_run(const struct job_context *context, const struct invocation *invocation,
             struct job_result *out);
void job_result_release(struct job_result *result);

static inline void job_result_cleanup(struct job_result *variable)
{
    job_result_release(variable);
}
