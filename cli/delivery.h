/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images just made, carried to where they are to be.
 */

#include <jansson.h>

#include "cli/context.h"
#include "lambda/assembly.h"

/** Carries the assembly, which `from` has, to the image named `destination`, and appends what
 * is there now to the array `results`. */
bool delivery_send(struct context *context, const struct assembly *assembly, struct store *from,
                   const char *destination, json_t *results, struct error *err) MUST_CHECK;
