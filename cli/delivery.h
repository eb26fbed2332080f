/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images just made, carried to where they are to be.
 */

#include <jansson.h>

#include "cli/context.h"
#include "lambda/assembly.h"

/** Begins a shipment to the first of the destinations that is across a network, so that blobs
 *  may be sent ahead of their image; `*out`, the caller's to free, is NULL where none is. */
bool delivery_begin(struct context *context, struct store *from,
                    const struct option_list *destinations, struct shipment **out,
                    struct error *err) MUST_CHECK;

/** Carries the assembly, which `from` has, to the image named `destination`, and appends what
 * is there now to the array `results`. What `ahead`, which may be NULL, has sent there is not
 * sent again. */
bool delivery_send(struct context *context, const struct assembly *assembly, struct store *from,
                   struct shipment *ahead, const char *destination, json_t *results,
                   struct error *err) MUST_CHECK;

/** Makes the image that the plan, which it completes, is for, fit for Lambda, brings it to the
 *  repository of the plan's function and appends what is there now to the array `results`. */
bool delivery_push(struct context *context, struct assembly_plan *plan, json_t *results,
                   struct error *err) MUST_CHECK;
