/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Functions of AWS Lambda: made, waited for, invoked, removed.
 *
 * Much of AWS is not there yet when it says it is: a role made a moment ago
 * cannot be assumed, a function made a moment ago is not found or Pending. Those
 * refusals are waited out here, through the clock, with a word to the user.
 *
 * Source: AWS Lambda API reference; "Lambda function states"
 */

#include "lambda/aws/aws.h"
#include "lambda/platform.h"

enum {
    FUNCTIONS_ROLE_WAIT_S = 60,    /* until a new role is known everywhere */
    FUNCTIONS_MISSING_WAIT_S = 20, /* until a new function is */
    FUNCTIONS_ACTIVE_WAIT_S = 300,
    FUNCTIONS_SILENCE_S = 910, /* longer than any function runs */
    FUNCTIONS_PAYLOAD_LIMIT = 6 * 1024 * 1024,
};

/** What AWS knows of the function, GetFunction's answer, the caller's to json_decref().
 *  ERROR_NOT_FOUND names function and region. */
bool functions_get(const struct aws *aws, const char *name, json_t **out,
                   struct error *err) MUST_CHECK;

/** Creates the function from the body of CreateFunction and says so. ERROR_CONFLICT when it
 *  exists. */
bool functions_create(const struct aws *aws, const char *name, const json_t *request,
                      struct error *err) MUST_CHECK;

/** Waits until it can be invoked; `*arn` is the caller's to free(). ERROR_INVALID with AWS's
 *  reason when it failed, ERROR_NETWORK when it takes too long. */
bool functions_wait_until_active(const struct aws *aws, const char *name, char **arn,
                                 struct error *err) MUST_CHECK;

/** Invokes it once, never twice. ERROR_NOT_FOUND like functions_get(). */
bool functions_invoke(const struct aws *aws, const char *name, const char *payload,
                      size_t count, struct invocation *out, struct error *err) MUST_CHECK;

/** Deletes the function and says so; missing is fine. */
bool functions_delete(const struct aws *aws, const char *name, struct error *err) MUST_CHECK;
