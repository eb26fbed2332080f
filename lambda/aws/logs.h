/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What functions log: one group of CloudWatch Logs for each, "/aws/lambda/<name>".
 *
 * Lambda would make the group at the first line, but one that keeps everything
 * for ever; so it is made early, with a date on it.
 *
 * Source: CloudWatch Logs API reference
 */

#include "lambda/aws/aws.h"

/** Makes the function's group, or takes the one there is, and sets how many days it keeps
 *  (0: as it is). `tags` is an object of strings. Says what it did; `*made`: it was not there.
 */
bool logs_make_group(const struct aws *aws, const char *function, int retention_days,
                     json_t *tags, bool *made, struct error *err) MUST_CHECK;

/** Removes it and says so; missing is fine, and `*found` false. */
bool logs_remove_group(const struct aws *aws, const char *function, bool *found,
                       struct error *err) MUST_CHECK;
