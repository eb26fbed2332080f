/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All functions of the region, or all versions of one, page after page.
 *
 * Source: Lambda API reference, ListFunctions, ListVersionsByFunction
 */

#include "lambda/aws/aws.h"

enum { FUNCTION_PAGES_LIMIT = 2000 }; /* of 50 each */

typedef void function_list_visitor(void *context, const json_t *configuration);

/** Calls `visit` with each function's configuration; with `versions` for every version, too. */
bool function_list_each(const struct aws *aws, bool versions, function_list_visitor *visit,
                        void *context, struct error *err) MUST_CHECK;

/** Calls `visit` with the configuration of each version of one function, of $LATEST, too.
 *  ERROR_NOT_FOUND when there is no such function. */
bool function_list_versions(const struct aws *aws, const char *name,
                            function_list_visitor *visit, void *context,
                            struct error *err) MUST_CHECK;

/** The digests of the images that functions and their versions run, as the names of a new
 *  object, the caller's. */
bool function_list_images(const struct aws *aws, json_t **digests,
                          struct error *err) MUST_CHECK;
