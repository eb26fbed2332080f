/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All functions of the region, page after page.
 *
 * Source: Lambda API reference, ListFunctions
 */

#include "lambda/aws/aws.h"

enum { FUNCTION_PAGES_LIMIT = 2000 }; /* of 50 each */

/** Calls `visit` with each function's configuration; with `versions` for every version, too. */
bool function_list_each(const struct aws *aws, bool versions,
                        void (*visit)(void *context, const json_t *configuration),
                        void *context, struct error *err) MUST_CHECK;

/** The digests of the images that functions and their versions run, as the names of a new
 *  object, the caller's. */
bool function_list_images(const struct aws *aws, json_t **digests,
                          struct error *err) MUST_CHECK;
