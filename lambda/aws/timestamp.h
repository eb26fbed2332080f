/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Times as AWS writes them.
 *
 * Spec: RFC 3339
 */

#include <stdbool.h>
#include <time.h>

/** "2026-01-31T23:59:59Z", with a fraction or an offset, or with "UTC" as old AWS CLIs had it.
 *  Whether it is one. */
bool timestamp_parse(const char *text, time_t *out);

struct timestamp {
    char text[21];
};

/** "2026-01-31T23:59:59Z". */
struct timestamp timestamp_format(time_t time);
