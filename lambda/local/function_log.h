/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a function writes, gathered while it runs, and the lines Lambda adds to it.
 *
 * A pipe and not a file, as in Lambda, since programs open /dev/stderr and would cut a file
 * short. Whoever waits for the function empties it along the way; what a program has written
 * before it said that it is done is there by then, so each invocation has a log of its own.
 */

#include <stddef.h>

#include "oci/base/error.h"
#include "oci/base/text.h"

enum { FUNCTION_LOG_LIMIT = 4 * 1024 * 1024 }; /* bytes kept; the last ones */

struct function_log;

/* Whoever wants to hear it at once, in whole lines. */
struct log_listener {
    void (*hear)(struct log_listener *self, const char *lines, size_t count);
};

/** An empty log without a writer; `listener`, borrowed, may be NULL. */
struct function_log *function_log_new(struct log_listener *listener);
void function_log_free(struct function_log *log);

/** Makes a pipe for a new writer; what the former ones wrote stays in the log. */
bool function_log_open(struct function_log *log, struct error *err) MUST_CHECK;

/** What the function writes to, until function_log_begun(). Borrowed from the log. */
int function_log_fd(const struct function_log *log);

/** Lets go of that end: from now on the log ends with its last writer. */
void function_log_begun(struct function_log *log);

/** Readable when the function has written; -1 when nobody can any more. */
int function_log_source(const struct function_log *log);

/** Takes what has been written, without waiting for more. */
void function_log_gather(struct function_log *log);

/** Waits for the last writer's end. */
void function_log_finish(struct function_log *log);

/** Adds lines of ours. What the function wrote before ends its line first. */
void function_log_addf(struct function_log *log, const char *format, ...) PRINTF_LIKE(2, 3);

/** All since the last time, or a line that says how much is missing and the end of it; a new
 *  string, the caller's to free(). */
char *function_log_cut(struct function_log *log);

static inline void function_log_cleanup(struct function_log **variable)
{
    function_log_free(*variable);
}
