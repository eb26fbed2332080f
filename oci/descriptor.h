/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pointer to content: what it is, which bytes, how many.
 *
 * This is the typed view that code reasons with. Annotations, URLs and fields
 * from a later spec stay in the JSON document the descriptor was read from.
 *
 * Spec: image-spec v1.1, descriptor.md#properties
 */

#include <jansson.h>
#include <stdint.h>

#include "oci/digest.h"
#include "oci/media_type.h"

struct descriptor {
    enum media_type media_type;
    struct digest digest;
    uint64_t size; /* bytes */
};

/** ERROR_INVALID, with the name of the field, when a required one is missing or
 *  is not what the spec says. */
bool descriptor_read(const json_t *json, struct descriptor *out, struct error *err) MUST_CHECK;

/** A new JSON object, owned by the caller. */
json_t *descriptor_write(const struct descriptor *descriptor);

/** Passes on what `source`, which it takes over, gives, and reaches the end only when size and
 *  digest are the descriptor's. ERROR_INVALID otherwise. */
struct source *descriptor_verify(const struct descriptor *descriptor, struct source *source);
