/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What functions have logged, out of CloudWatch Logs.
 *
 * Lines of one invocation: all between the first and the last that name its request, in their
 * stream, for an environment has one invocation at a time. Following asks again and
 * again for the last half minute, since lines arrive late and out of order.
 *
 * Source: CloudWatch Logs API reference, FilterLogEvents; Lambda developer guide, "Sending
 * Lambda function logs to CloudWatch Logs"
 */

#include "lambda/aws/aws.h"
#include "lambda/platform.h"

/** Gives what the function `name` has logged to the wish's listener. ERROR_NOT_FOUND without
 *  the function, without its group, or for a request that no line names. */
bool log_events_read(const struct aws *aws, const char *name,
                     const struct platform_log_wish *wish, struct error *err) MUST_CHECK;
