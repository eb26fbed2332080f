/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a role may be a function's: who is trusted to assume it.
 *
 * Source: AWS IAM API reference, GetRole; IAM User Guide, "JSON policy elements"
 */

#include "lambda/aws/aws.h"

/** Asks IAM for the role's trust policy and reads it. ERROR_NOT_FOUND without such a role,
 *  ERROR_INVALID when Lambda may not assume it, ERROR_DENIED when we may not look. */
bool role_trust_check(const struct aws *aws, const char *role_arn,
                      struct error *err) MUST_CHECK;

/** Whether the policy lets lambda.amazonaws.com assume the role. Conditions are not looked at.
 */
bool role_trust_has_lambda(const json_t *policy);
