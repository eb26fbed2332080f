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
#include "lambda/supervisor/stage.h"

/* What does not change between events. */
struct job_context {
    const struct settings *settings;
    const char *const *environment; /* the supervisor's own */
    const char *const *command;     /* the image's own entrypoint and command; may be empty */
    bool is_outside;                /* of Lambda: there is nobody to answer */
};

/* What the program prints. */
struct run_outputs {
    struct output all; /* or its stdout alone, if `errors` is wanted */
    struct output errors;
    bool has_errors;
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
    bool lost;       /* an error is about storage: of the input, or of what was made of it */
    int exit_code;   /* 128 and the signal's number when a signal ended it, like a shell */
};

enum { REPORT_MS = 500 }; /* are left for the answer when all else has taken too long */

/** What storage may do for the run, up to `reserve_ms` before the function's time is up. */
struct stage run_stage(const struct run *run, int64_t reserve_ms);

/** Brings the input, runs the program for the record and stores what it leaves. What it prints
 *  is added to `outputs`. An error says why nothing was run or stored: ERROR_INVALID,
 *  ERROR_NOT_FOUND, ERROR_LIMIT (also for no time left), ERROR_SYSTEM, or what storage fails
 *  with. */
bool run_record(const struct run *run, struct run_outputs *outputs, struct run_result *out,
                struct error *err) MUST_CHECK;
