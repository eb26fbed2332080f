/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A store in a folder: oci-layout, index.json and blobs/sha256/.
 *
 * It is the workspace new layers are written in, the place functions of this
 * machine live in and the form an image has on disk. Blobs appear under their
 * name complete or not at all; two processes may use one layout.
 *
 * The name "" stands for the only manifest there is.
 *
 * Spec: image-spec v1.1, image-layout.md
 */

#include "oci/store.h"

struct layout;

/** Opens the layout at `path`. With `make`, an empty one is made where nothing is or the
 *  folder is empty. ERROR_NOT_FOUND when nothing is there, ERROR_INVALID when something else
 *  is. */
bool layout_open(const char *path, bool make, struct layout **out,
                 struct error *err) MUST_CHECK;

/** A folder that was made by layout_open() and got no blob goes again. */
void layout_free(struct layout *layout);

/** The same layout as a store; freed with the layout. */
struct store *layout_store(struct layout *layout);

/** A sink for bytes whose digest is not known yet. Finishing it gives them their place and
 *  fills in digest and size of `blob`, which the caller keeps until then. */
bool layout_blob_sink(struct layout *layout, struct descriptor *blob, struct sink **out,
                      struct error *err) MUST_CHECK;

/** Takes the tag away; missing is fine. Blobs stay. */
bool layout_remove_tag(struct layout *layout, const char *tag, struct error *err) MUST_CHECK;

/** Removes the blobs no tag leads to any more. */
bool layout_collect(struct layout *layout, struct error *err) MUST_CHECK;

static inline void layout_cleanup(struct layout **variable)
{
    layout_free(*variable);
}
