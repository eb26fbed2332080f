/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Functions of AWS Lambda: made, changed, invoked, removed.
 *
 * What AWS only cannot do yet is waited out by function_call.h; where a function
 * then stands is the matter of function_state.h.
 *
 * Source: AWS Lambda API reference; "Lambda quotas"
 */

#include "lambda/aws/aws.h"
#include "lambda/platform.h"

enum {
    FUNCTIONS_SILENCE_S = 910, /* longer than any function runs */
    FUNCTIONS_PAYLOAD_LIMIT = 6 * 1024 * 1024,
};

/** What AWS knows of the function, GetFunction's answer, the caller's to json_decref().
 *  ERROR_NOT_FOUND names function and region. */
bool functions_get(const struct aws *aws, const char *name, json_t **out,
                   struct error *err) MUST_CHECK;

/** Creates the function from the body of CreateFunction and says so. ERROR_CONFLICT when
 *  another one of the name exists. */
bool functions_create(const struct aws *aws, const char *name, const json_t *request,
                      struct error *err) MUST_CHECK;

/** Change the function by the body of UpdateFunctionCode or UpdateFunctionConfiguration; the
 *  change is under way then, see function_state_wait(). */
bool functions_update_code(const struct aws *aws, const char *name, const json_t *request,
                           struct error *err) MUST_CHECK;
bool functions_update_configuration(const struct aws *aws, const char *name,
                                    const json_t *request, struct error *err) MUST_CHECK;

/** Adds the tags, an object of strings, to the function `arn`. */
bool functions_tag(const struct aws *aws, const char *arn, json_t *tags,
                   struct error *err) MUST_CHECK;

/** Invokes it once, never twice. ERROR_NOT_FOUND like functions_get(). */
bool functions_invoke(const struct aws *aws, const char *name, const struct event *event,
                      struct invocation *out, struct error *err) MUST_CHECK;

/** Deletes the function and says so; missing is fine. */
bool functions_delete(const struct aws *aws, const char *name, struct error *err) MUST_CHECK;
