/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The environment a platform starts a function with.
 *
 * Beside what the definition says it has IMAGE_ID and FDL, the definition's
 * config in base64, just as SCAR sets them: its clients read both back.
 */

#include "lambda/definition.h"

/** A new object of strings, the caller's. `image_uri` is what the function runs. */
json_t *function_environment(const struct definition *definition, const char *image_uri);
