/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether AWS can be worked with: region, credentials, ECR, roles, ECR's registry. What stands
 * on something that is wrong is skipped.
 */

#include "lambda/aws/aws_session.h"
#include "lambda/checkup.h"

/** Looks at all of it; `roles` are ARNs, ended by NULL. Nothing is changed. */
void aws_checkup(const struct aws_options *options, const char *const *roles,
                 struct checkup *out);
