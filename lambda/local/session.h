/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Another program where a function would run: with its files, its environment, its user and
 * its limits, but without an event.
 */

#include "lambda/local/local_platform.h"

/* All borrowed for the call. */
struct session {
    const char *const *command;   /* ended by NULL; empty: the image's shell */
    const char *const *variables; /* "NAME=value", ended by NULL: beside the function's own */
    int files[3];                 /* stdin, stdout and stderr */
    bool has_terminal;            /* files[0] is one */
};

/** Starts it. ERROR_NOT_FOUND when there is no such function, ERROR_INVALID when the image does
 *  not have the program. */
bool session_start(struct platform *platform, const char *function,
                   const struct session *session, struct sandbox **out,
                   struct error *err) MUST_CHECK;
