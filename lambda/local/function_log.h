/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a function writes, gathered while it runs.
 *
 * A pipe and not a file, as in Lambda, since programs open /dev/stderr and would cut a file
 * short. A thread empties it, so the function never waits for its log to be read.
 */

#include <stddef.h>

#include "oci/base/error.h"

enum { FUNCTION_LOG_LIMIT = 4 * 1024 * 1024 }; /* bytes kept; the last ones */

struct function_log;

/** Starts gathering. */
bool function_log_open(struct function_log **out, struct error *err) MUST_CHECK;

/** What the function writes to, until function_log_begun(). Borrowed from the log. */
int function_log_fd(const struct function_log *log);

/** Lets go of that end: from now on the log ends with its last writer. */
void function_log_begun(struct function_log *log);

/** Waits for the last writer's end. The text is borrowed and lives as long as the log. */
const char *function_log_finish(struct function_log *log, size_t *count);

void function_log_free(struct function_log *log);

static inline void function_log_cleanup(struct function_log **variable)
{
    function_log_free(*variable);
}
