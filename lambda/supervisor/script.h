/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What to run for an event. The first of these that there is:
 *
 *     {"script": "<base64>"}          a script of the caller's
 *     {"cmd_args": "[\"df\"]"}        a command, as a JSON list inside a string
 *     SCRIPT in the environment       outside of Lambda only
 *     init_script                     the function's own script
 *     the image's entrypoint and command
 *
 * Any other event is the program's business: it finds the bytes in $INPUT_FILE_PATH.
 */

#include <stdbool.h>

#include "lambda/supervisor/event.h"
#include "lambda/supervisor/program.h"
#include "lambda/supervisor/settings.h"

/* Where commands are when nobody says. */
#define SCRIPT_SEARCH "/usr/local/bin:/usr/bin:/bin"

/* Where to look. */
struct script_places {
    const char *folder;         /* where a script that came along may be written */
    const char *search;         /* the PATH for commands */
    const char *const *command; /* the image's own, ended by NULL; may be empty */
};

/** ERROR_INVALID when the event is wrong, ERROR_NOT_FOUND when what it asks for is missing in
 *  the image. */
bool script_choose(const struct event *event, const struct settings *settings,
                   const struct script_places *places, struct program *out,
                   struct error *err) MUST_CHECK;
