/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Calls of Lambda about one function, with patience.
 *
 * Much of AWS is not there yet when it says it is: a role made a moment ago
 * cannot be assumed, a function that is being changed may not be changed again.
 * Such refusals are waited out here, through the clock, with a word to the user.
 *
 * Source: AWS Lambda API reference; terraform-provider-aws, internal/service/lambda
 */

#include "lambda/aws/aws.h"

enum {
    FUNCTION_ROLE_WAIT_S = 120,   /* until a new role or key is known everywhere */
    FUNCTION_CHANGE_WAIT_S = 300, /* until an earlier change is through */
    FUNCTION_EC2_WAIT_S = 600,    /* until EC2 has time for us */
};

/** The path "/<version>/functions/<name><part>"; a new string, the caller's to free(). */
char *function_path(const char *version, const char *name, const char *part);

/** Like aws_ask(), but asks again while what is refused is only not possible yet. */
bool function_ask(const struct aws *aws, const struct aws_call *call, const json_t *body,
                  json_t **answer, struct refusal *refusal, struct error *err) MUST_CHECK;

/** ERROR_NOT_FOUND with the function's name and the region. Always false. */
bool function_not_found(const struct aws *aws, const char *name, struct error *err);
