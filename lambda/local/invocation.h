/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One event's way through a function: sandbox, Runtime API, answer, log.
 *
 * What goes wrong inside the function is its answer, in Lambda's words; what keeps
 * it from being run at all is an error.
 *
 * Source: Lambda Developer Guide, "Defined runtime environment variables" and "Troubleshoot
 * invocation issues"
 */

#include <time.h>

#include "lambda/local/functions.h"
#include "lambda/platform.h"
#include "oci/image.h"

/* All borrowed for the call. */
struct local_invocation {
    const struct function_record *function;
    const struct image *image;
    const char *root;    /* the image, unpacked */
    const char *payload; /* JSON */
    size_t count;
    time_t now; /* seconds since 1970 */
};

/** "arn:aws:lambda:local:000000000000:function:<name>"; a new string. */
char *local_invocation_arn(const char *name);

/** Runs the function once. `*log`, all it logged, is the caller's to free(). */
bool local_invocation_run(const struct local_invocation *invocation, struct invocation *out,
                          char **log, struct error *err) MUST_CHECK;
