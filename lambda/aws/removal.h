/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What goes when a function goes, and what stays.
 *
 * The image goes by digest, and only when no function and no version runs it; the
 * repository only when skiff made it and nothing is left in it. What is missing
 * already is as it should be.
 */

#include "lambda/aws/aws.h"

/** Removes the function, its log group and its image; says each step. ERROR_NOT_FOUND when
 *  there is no such function and nothing was left of it; other errors say what is left. */
bool removal_of_function(const struct aws *aws, const char *name, struct error *err) MUST_CHECK;

/** Removes an image that was just pushed, unless a function runs it by now, and its repository
 *  when that is empty. */
bool removal_of_image(const struct aws *aws, const char *image_uri,
                      struct error *err) MUST_CHECK;
