/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a definition says, in Lambda's words.
 *
 * Pure: a definition and an image give the body of CreateFunction, or the reason
 * why Lambda would refuse it, which users should hear before anything is pushed.
 *
 * Source: AWS Lambda API reference, CreateFunction; Lambda quotas
 */

#include "lambda/definition.h"

enum { FUNCTION_UPDATE_LIMIT = 5120 }; /* bytes; UpdateFunctionConfiguration is smaller */

/** Whether the function has a role, or is to get one. ERROR_USAGE. */
bool function_request_check_role(const struct definition *definition,
                                 struct error *err) MUST_CHECK;

/** Whether the function's environment is small enough. ERROR_LIMIT. */
bool function_request_check(const struct definition *definition, const char *image_uri,
                            struct error *err) MUST_CHECK;

/** Whether `changes`, a body of UpdateFunctionConfiguration, is small enough and so is the
 *  environment in it. ERROR_LIMIT. */
bool function_request_check_update(const struct definition *definition, const json_t *changes,
                                   struct error *err) MUST_CHECK;

/** The body of CreateFunction; a new object, the caller's. The environment carries IMAGE_ID and
 * FDL, as SCAR's users know them. `owner` is the caller's id, NULL when not known. */
json_t *function_request(const struct definition *definition, const char *image_uri,
                         const char *owner);

/** Lambda's name for what the function runs on: "x86_64" or "arm64". A static string. */
const char *function_request_architecture(const struct definition *definition);

/** The tags of everything made for a function; a new object, the caller's. */
json_t *function_request_tags(const struct definition *definition, const char *owner);

/** The definition back out of the environment of a function, whoever made it; NULL when there
 * is none. A new object, the caller's. */
json_t *function_request_read_fdl(const json_t *variables);
