/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The environment a platform starts a function with.
 *
 * Beside what the definition says it has IMAGE_ID and FDL, the definition's
 * config in base64, just as SCAR sets them: its clients read both back.
 */

#include "lambda/definition.h"

enum { FUNCTION_ENVIRONMENT_LIMIT = 4096 }; /* bytes of all variables, as compact JSON */

/** A new object of strings, the caller's. `image_uri` is what the function runs. */
json_t *function_environment(const struct definition *definition, const char *image_uri);

/** Whether Lambda takes so much. ERROR_LIMIT with the function's name. */
bool function_environment_check(const char *function, const json_t *variables,
                                struct error *err) MUST_CHECK;

/* How the environment of a function that is there is changed. */
struct environment_change {
    const char *const *unset; /* names, ended by NULL; NULL: none */
    bool replace;             /* variables that the definition does not name go */
};

/** Adds to `wanted`, from function_environment(), the variables of `present` that stay, and
 *  takes out what is to be unset. */
void function_environment_merge(json_t *wanted, json_t *present,
                                const struct environment_change *change);
