/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the supervisor says about itself, on stderr, which Lambda carries to CloudWatch:
 *
 *     2020-06-07 09:05:32,972 - supervisor - INFO - Creating response
 *
 * The form is SCAR's, so that its users' filters go on working. The time is UTC, as
 * everywhere in CloudWatch. What the user's script prints goes out beside it untouched.
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR,
    LOG_CRITICAL,
};

/** Reads a level's name, in any case. False, and `*out` untouched, when there is none such. */
bool log_level_parse(const char *name, enum log_level *out);

/** Writes one line, unless `level` is below `lowest`. */
void log_line(enum log_level lowest, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/** Writes the bytes as they are. A log nobody reads is no reason to stop. */
void log_bytes(const void *bytes, size_t count);
