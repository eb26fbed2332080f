/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the function's author wrote down: the function's own configuration.
 *
 * skiff puts it into the image as /var/task/function_config.yaml, as JSON, which is
 * YAML. Images made by hand carry it in the environment instead, as base64 in FDL. With
 * neither, everything has its default. The environment may override single values
 * (LOG_LEVEL, TIMEOUT_THRESHOLD), as in SCAR.
 */

#include <stdbool.h>

#include "lambda/supervisor/log.h"
#include "oci/base/error.h"

enum { CONFIG_LIMIT = 1024 * 1024 };

struct settings {
    char *init_script; /* absolute path; NULL when there is none */
    char **variables;  /* "NAME=value" ended by NULL: container.environment.Variables */
    enum log_level log_level;
    int threshold_s; /* kept free at the end of the function's time to report a time-out */
};

/** Reads the configuration. ERROR_INVALID, ERROR_LIMIT or ERROR_SYSTEM says where it comes
 *  from and what is wrong with it. */
bool settings_read(const char *const *environment, struct settings *out,
                   struct error *err) MUST_CHECK;
void settings_release(struct settings *settings);

static inline void settings_cleanup(struct settings *variable)
{
    settings_release(variable);
}
