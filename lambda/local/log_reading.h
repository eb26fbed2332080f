/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A function's log on this machine, read again: line by line, without times.
 */

#include "lambda/platform.h"
#include "oci/base/clock.h"

/** Gives the lines of the file at `path` to the wish's listener; one that is missing has none.
 *  Those of a request are all between the first and the last that name it: ERROR_NOT_FOUND
 *  when none does. ERROR_USAGE for a stream and for times. */
bool log_reading_tell(const char *path, const struct platform_log_wish *wish,
                      struct clock *clock, struct error *err) MUST_CHECK;
