/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image's layers back into files, as an ordinary user.
 *
 * Layers are applied lowest first onto one folder. What the archive says is
 * never trusted: every path is resolved by the kernel as if the folder were "/"
 * (openat2, RESOLVE_IN_ROOT), so neither "..", an absolute name nor a symbolic
 * link planted earlier leads out of it, while links such as lib -> usr/lib lead
 * where they do in a container.
 *
 *     struct unpacked so_far = {0};
 *     for each layer
 *         unpack_layer(bytes, root, &so_far, err)
 *
 * Owners, devices, pipes, set-user-ID bits and extended attributes are dropped.
 * What is unpacked may be removed again: its owner can read and write all of it.
 *
 * Spec: image-spec v1.1, layer.md
 */

#include <stdint.h>

#include "oci/base/stream.h"

/* Of all layers together. */
enum {
    UNPACK_ENTRIES_LIMIT = 5 * 1000 * 1000,
    UNPACK_MIB_LIMIT = 10 * 1024, /* what Lambda accepts */
    UNPACK_DEPTH_LIMIT = 200,     /* folders in a path */
};

/* How much has been unpacked; all zero to begin with. */
struct unpacked {
    uint64_t entries;
    uint64_t bytes;
};

/** Applies a layer, a tar plain or compressed with gzip or zstd, to the folder `root`, and
 *  reads `layer` to its end. ERROR_INVALID for an archive that is broken or reaches outside,
 *  ERROR_LIMIT, or ERROR_SYSTEM; then `root` holds a part of the layer and is of no more use.
 */
bool unpack_layer(struct source *layer, const char *root, struct unpacked *so_far,
                  struct error *err) MUST_CHECK;

/** Reads one regular file of a layer into memory, and `layer` to its end. `path` is relative to
 *  the root; `*bytes` is the caller's to free() and ends in an uncounted NUL. ERROR_NOT_FOUND
 *  when there is none, ERROR_LIMIT beyond `limit` bytes, else as unpack_layer(). */
bool unpack_file(struct source *layer, const char *path, size_t limit, char **bytes,
                 size_t *count, struct error *err) MUST_CHECK;
