/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The function's configuration as it was written down, by skiff, by SCAR or by hand.
 *
 * It lies in the image, /var/task/function_config.yaml, in the environment, as base64 in FDL,
 * or in both. The file's word counts; what it does not say is taken from FDL, where SCAR's
 * prepared images have all of it. With neither there is an empty configuration.
 *
 * Outside of Lambda what comes from outside of the image goes before all that: the file that
 * OSCAR puts there, /oscar/config/function_config.yaml, then FUNCTION_CONFIG, which is for
 * AWS Batch what FDL is for Lambda.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

enum { CONFIG_LIMIT = 1024 * 1024 };

/** Reads the configuration; an object, the caller's to json_decref(). ERROR_INVALID,
 *  ERROR_LIMIT or ERROR_SYSTEM says where it comes from and what is wrong with it. */
bool config_read(const char *const *environment, bool is_outside, json_t **out,
                 struct error *err) MUST_CHECK;

/** Reads JSON or YAML from `origin`, whose bytes end in an uncounted NUL; an object, the
 * caller's to json_decref(). */
bool config_parse(const char *origin, const char *bytes, size_t count, json_t **out,
                  struct error *err) MUST_CHECK;

/** Adds what `object` lacks, or has as null, from `other`; also in the objects both have. */
void config_add_missing(json_t *object, const json_t *other);
