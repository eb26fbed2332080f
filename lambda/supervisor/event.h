/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What to run for an event. The first of these that there is:
 *
 *     {"script": "<base64>"}          a script of the caller's
 *     {"cmd_args": "[\"df\"]"}        a command, as a JSON list inside a string
 *     init_script                     the function's own script
 *     the image's entrypoint and command
 *
 * Any other event is the program's business: it finds the bytes in $INPUT_FILE_PATH.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lambda/supervisor/program.h"
#include "lambda/supervisor/settings.h"

struct event {
    const char *bytes;
    size_t count;
    const char *folder; /* where a script that came along may be written */
    const char *search; /* the PATH for commands */
};

/** ERROR_INVALID when the event is wrong, ERROR_NOT_FOUND when what it asks for is missing in
 *  the image. `command`, the image's own, is ended by NULL and may be empty. */
bool event_program(const struct event *event, const struct settings *settings,
                   const char *const *command, struct program *out,
                   struct error *err) MUST_CHECK;
