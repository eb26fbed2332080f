/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The user's program: started, listened to, and ended together with all it started.
 *
 * What it prints goes to the log while it runs and is kept for the answer. When it exits, or
 * its time is up, its whole process group is killed, and with it those who left the group:
 * orphans below us become our children, so none is lost from sight.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lambda/supervisor/log.h"
#include "lambda/supervisor/output.h"
#include "lambda/supervisor/program.h"

struct child {
    const struct program *program;
    char *const *environment; /* ended by NULL */
    int64_t limit_ms;         /* from the start; 0: none */
    const char *input;        /* a file for its stdin; NULL: that is empty */
    struct output *output;    /* what it prints as it comes; NULL: straight to our stderr */
    struct output *errors;    /* likewise of its stderr; NULL: in order with its stdout */
    bool passes_signals;      /* whoever wants to end or interrupt us means the program */
    enum log_level log_level;
};

struct child_result {
    bool timed_out;
    int exit_code; /* 128 and the signal's number when a signal ended it, like a shell */
    int signal;    /* 0: it exited by itself */
};

/** Starts the program and leaves it to the caller; `output` is NULL. Fails like child_run(). */
bool child_start(const struct child *child, pid_t *pid, struct error *err) MUST_CHECK;

/** Runs the program to its end. ERROR_INVALID or ERROR_SYSTEM when it cannot be started. */
bool child_run(const struct child *child, struct child_result *out,
               struct error *err) MUST_CHECK;
