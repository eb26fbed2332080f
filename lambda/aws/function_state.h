/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a function stands: coming up, being changed, ready or failed, and what to
 * do about it.
 *
 * A function has one state for itself and one for its latest change. Lambda says
 * why in a code and in words; the codes that somebody can do something about have
 * a hint here.
 *
 * Source: Lambda developer guide, "Lambda function states"; API model, StateReasonCode
 */

#include "lambda/aws/aws.h"

enum {
    FUNCTION_MISSING_WAIT_S = 20, /* until a new function is known everywhere */
    FUNCTION_ACTIVE_WAIT_S = 300, /* usually */
};

/** Whether, in a "Configuration" of Lambda's answers, the function's creation has failed: it
 *  can only be deleted and made again. */
bool function_state_is_broken(const json_t *configuration);

/** Whether it is still coming up or being changed, so that nobody knows yet how that ends. */
bool function_state_is_changing(const json_t *configuration);

/** Whether it, or its latest change, has failed: what the configuration says is not what runs.
 */
bool function_state_has_failed(const json_t *configuration);

/** Waits, telling each new state and its reason, until the function can be invoked and
 *  changed. `*answer`, GetFunction's last, is the caller's to json_decref(). ERROR_INVALID with
 *  AWS's reason and what to do when it failed; ERROR_NETWORK after `limit_s` seconds. */
bool function_state_wait(const struct aws *aws, const char *name, int limit_s, json_t **answer,
                         struct error *err) MUST_CHECK;
