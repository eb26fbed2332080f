/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One run of the user's program: for a record of an event, with folders, an environment and
 * time of its own, all of which end with it.
 */

#include <stdint.h>

#include "lambda/supervisor/event.h"
#include "lambda/supervisor/output.h"
#include "lambda/supervisor/runtime_client.h"
#include "lambda/supervisor/settings.h"

/* What does not change between events. */
struct job_context {
    const struct settings *settings;
    const char *const *environment; /* the supervisor's own */
    const char *const *command;     /* the image's own entrypoint and command; may be empty */
};

struct run {
    const struct job_context *context;
    const struct invocation *invocation;
    const struct event *event;
    size_t index; /* of the event's record */
};

struct run_result {
    bool timed_out;  /* the program was ended, or there was no time to start it */
    int64_t limit_s; /* the time it had; 0: no limit */
    int exit_code;   /* 128 and the signal's number when a signal ended it, like a shell */
};

/** Runs the program for the record, and adds what it prints to `output`. An error says why
 *  nothing could be run: ERROR_INVALID, ERROR_NOT_FOUND, ERROR_LIMIT (also for no time left) or
 *  ERROR_SYSTEM. */
bool run_record(const struct run *run, struct output *output, struct run_result *out,
                struct error *err) MUST_CHECK;
