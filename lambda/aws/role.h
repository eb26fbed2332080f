/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A role made for one function, that may do what the function's definition needs
 * and nothing else.
 *
 * It is called "/skiff/<function>-<region>": the path says whose it is, so that it is
 * found again, kept up to date and removed together with the function. The function
 * itself remembers it.
 *
 * Source: IAM API reference, CreateRole, PutRolePolicy; Lambda developer guide,
 * "Execution role"
 */

#include "lambda/aws/aws.h"
#include "lambda/definition.h"

/** Makes the role, or takes the one there is, and gives it its permissions; says so. `*arn` is
 *  the caller's to free(), and set also where only the permissions could not be given.
 *  ERROR_USAGE for a function whose name is too long for it. */
bool role_make(const struct aws *aws, const struct definition *definition, char **arn,
               struct error *err) MUST_CHECK;

/** Whether role_make() made this one for the function. */
bool role_is_ours(const struct aws *aws, const char *arn, const char *function);

/** Gives the role `arn`, one of ours, the permissions that the definition needs. */
bool role_allow(const struct aws *aws, const char *arn, const struct definition *definition,
                struct error *err) MUST_CHECK;

/** Removes the function's role and says so; missing is fine. */
bool role_remove(const struct aws *aws, const char *function, struct error *err) MUST_CHECK;

/** Removes it where its function is gone, or never was; `*found` when it was there. Who may not
 *  look at roles has made none. */
bool role_remove_left(const struct aws *aws, const char *function, bool *found,
                      struct error *err) MUST_CHECK;

/** What a role of ours may do, as IAM takes it; a new object, the caller's. */
json_t *role_policy(const char *arn, const char *region, const struct definition *definition);
