/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image, or the images under an index, carried from store to store.
 *
 * Blobs go first (oci/shipment.h), from the moment a manifest names them; then the
 * manifests, the index after its manifests, and the tag with the last of
 * them. So a copy that broke off is never visible, and is continued by doing it
 * again. Documents arrive byte for byte, so digests stay.
 */

#include "oci/base/progress.h"
#include "oci/platform_spec.h"
#include "oci/shipment.h"

struct copy_options {
    const struct platform_spec *platform; /* NULL: everything under the name */
    struct progress *progress;
    struct shipment *shipment; /* between the two, begun already; NULL: there is none */
};

/* What has moved. */
struct copy_summary {
    struct descriptor top; /* what the tag names now */
    struct shipment_summary blobs;
};

/** Copies what `name`, a tag or digest, stands for, and points `tag` at it; no tag when NULL.
 */
bool image_copy(struct store *from, const char *name, struct store *to, const char *tag,
                const struct copy_options *options, struct copy_summary *out,
                struct error *err) MUST_CHECK;
