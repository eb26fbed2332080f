/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One event's way through a function, in Lambda's words: the errors it answers with where
 * the function has none of its own, and the lines it puts around the log.
 *
 * Source: Lambda Developer Guide, "Troubleshoot invocation issues" and "Understanding the
 * Lambda execution environment lifecycle"
 */

#include <time.h>

#include "lambda/local/function_log.h"
#include "lambda/local/runtime_api.h"
#include "lambda/platform.h"

enum { INVOCATION_LOG_TAIL = 4 * 1024 }; /* bytes: as much as Lambda sends with the answer */

/* What became of an event. */
struct invocation_end {
    const struct runtime_outcome *outcome;
    const char *entry_point_error; /* why the program could not be started; NULL: it was */
    int wait_status;               /* of the program, where it has exited */
    int timeout_s;
    time_t now; /* seconds since 1970 */
};

/* What the REPORT line tells. */
struct invocation_report {
    double duration_ms;
    double init_ms; /* negative: there was no init phase */
    int memory_mib;
    long peak_kib;
};

/** A random UUID, as the request's id; a new string. */
bool invocation_new_id(char **out, struct error *err) MUST_CHECK;

/** The answer, `out` but for its names and its log. What went wrong is logged. */
void invocation_answer(const struct invocation_end *end, const char *request_id,
                       struct function_log *log, struct invocation *out);

/** Logs how an init phase ended that did not end well; `phase` is "init" or "invoke". */
void invocation_log_init(const struct invocation_end *end, const char *phase,
                         struct function_log *log);

void invocation_log_start(const char *request_id, struct function_log *log);
void invocation_log_end(const struct invocation_end *end, const char *request_id,
                        const struct invocation_report *report, struct function_log *log);

/** The last whole lines of `log` that fit; a new string. */
char *invocation_log_tail(const char *log);
