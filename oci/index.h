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

enum {
    INDEX_LIMIT = 1000,    /* entries */
    INDEX_DEPTH_LIMIT = 4, /* an index, those in it, and so on */
};

struct index_entry {
    struct descriptor descriptor;
    struct platform_spec platform;
    bool has_platform;
    bool is_attestation; /* about an image, not one: build provenance and the like */
};

/** Whether an index at `depth`, 0 for the one that was named, is looked into. ERROR_LIMIT. */
bool index_check_depth(int depth, struct error *err) MUST_CHECK;

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
