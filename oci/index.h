/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An index: one name for the images of several platforms.
 *
 * Spec: image-spec v1.1, image-index.md
 */

#include <stddef.h>

#include "oci/platform_spec.h"
#include "oci/store.h"

enum { INDEX_LIMIT = 1000 }; /* entries */

struct index_entry {
    struct descriptor descriptor;
    struct platform_spec platform;
    bool has_platform;
    bool is_attestation; /* about an image, not one: build provenance and the like */
};

/** Reads the entries of an index document. `*entries` is the caller's to free(). */
bool index_read(const struct document *document, struct index_entry **entries, size_t *count,
                struct error *err) MUST_CHECK;

/** The entry that runs on `platform`: an exact variant before any. ERROR_NOT_FOUND lists the
 *  platforms on offer. */
bool index_pick(const struct index_entry *entries, size_t count,
                const struct platform_spec *platform, struct descriptor *out,
                struct error *err) MUST_CHECK;

/** Makes the index over the entries, in the order given; a Docker list over Docker's manifests,
 *  which are not mixed with others. */
bool index_write(const struct index_entry *entries, size_t count, struct document *out,
                 struct error *err) MUST_CHECK;
