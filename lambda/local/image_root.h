/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image unpacked into a folder, for sandboxes to start from.
 *
 * The folder is named after the layers in it and never changes, so functions with the same
 * layers share it. Functions on one base share its files, too: the base is unpacked into a
 * folder of its own, then what the definition copies, then the script, and each of them begins
 * as a tree of hard links to the one below (link_tree.h). So a changed script costs the time to
 * make links, and hardly any room.
 *
 *     roots/MANIFEST           a link to the chain of an image's layers; made last
 *     roots/chain-ID/          the layers, unpacked
 *     roots/chain-ID.base      a link to the chain this one began as
 *
 * Who runs in a chain has it locked (root_lock.h), and functions_sweep() leaves it to him.
 * Those it began as may go: its files are its own.
 *
 * Spec: image-spec v1.1, config.md#layer-chainid
 */

#include "oci/base/progress.h"
#include "oci/image.h"

/* One that somebody runs in: whatever happens to the functions, it stays until then. */
struct image_root {
    char *path; /* owned; NULL: there is none */
    int lock;
};

/** The root in `folder` of the image with this manifest. False: it is not there, or is being
 *  taken away, which nobody does under functions_lock(). */
bool image_root_open(const char *folder, const struct digest *manifest, struct image_root *out);
void image_root_release(struct image_root *root);

/** Makes it, under functions_lock(), unless it is there. ERROR_INVALID for layers that do not
 *  unpack. */
bool image_root_make(const char *folder, struct store *store, const struct image *image,
                     struct progress *progress, struct error *err) MUST_CHECK;

/** What the chains below the image's own are called: a new array of strings. While a function
 *  keeps them, they are not unpacked again for a changed script. */
json_t *image_root_bases(const struct image *image);

/** Adds to the names in the object `needed`, which are in the folder `roots`, those they lead
 * to.
 */
void image_root_follow(const char *roots, json_t *needed);
