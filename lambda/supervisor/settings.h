/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the function's author wished, out of the function's configuration.
 *
 *     supervisor: {mode: scar, on_error: fail}    SCAR's way of events and answers; the default
 *     supervisor: {mode: raw}                     stdin is the event, stdout the response
 *     supervisor: {mode: http, port: 3000}        the program is a server
 *
 * The environment may override single values, as in SCAR: LOG_LEVEL, TIMEOUT_THRESHOLD and
 * DOWNLOAD_INPUT. SCAR's others (EXECUTION_MODE, EXTRA_PAYLOAD, UDOCKER_*) mean nothing inside
 * an image.
 */

#include <jansson.h>
#include <stdbool.h>

#include "lambda/supervisor/log.h"
#include "lambda/supervisor/storage.h"
#include "oci/base/error.h"

enum settings_mode { MODE_SCAR, MODE_RAW, MODE_HTTP };

struct settings {
    enum settings_mode mode;
    int port;          /* where the server of MODE_HTTP listens */
    char *init_base64; /* a script instead of init_script; only outside of Lambda, else NULL */
    char *init_script; /* absolute path; NULL when there is none */
    char **variables;  /* "NAME=value" ended by NULL: container.environment.Variables */
    enum log_level log_level;
    int threshold_s;     /* kept free at the end of the function's time to report a time-out */
    bool leaves_objects; /* the program fetches what events are about itself */
    bool fails_with_script; /* a program's exit status other than 0 is a function error */
    struct storage storage;
};

/** Makes settings of a configuration. SCRIPT of the environment counts where `is_outside` of
 *  Lambda. ERROR_INVALID says which value is wrong. */
bool settings_read(const json_t *config, const char *const *environment, bool is_outside,
                   struct settings *out, struct error *err) MUST_CHECK;
void settings_release(struct settings *settings);

static inline void settings_cleanup(struct settings *variable)
{
    settings_release(variable);
}
