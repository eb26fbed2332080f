/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a tree of files to a layer blob, in one pass.
 *
 * The tar goes through two digests with the compressor between them: the diff
 * id names the tar, the blob's digest what is stored.
 *
 * Spec: image-spec v1.1, layer.md
 */

#include "layers/tree.h"
#include "oci/image.h"
#include "oci/layout.h"

enum layer_compression { LAYER_GZIP, LAYER_ZSTD };

/** Writes the gzip'd layer into `workspace` and tells its descriptor and diff id. Every entry
 * is dated `modified`, in seconds since 1970. On failure the workspace is as it was. */
bool layer_write(struct tree *tree, time_t modified, struct layout *workspace,
                 struct layer *out, struct error *err) MUST_CHECK;

/** The same with another compression. The diff id is equal. */
bool layer_write_as(struct tree *tree, enum layer_compression compression, time_t modified,
                    struct layout *workspace, struct layer *out, struct error *err) MUST_CHECK;
