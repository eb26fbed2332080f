/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The same image with every layer in gzip, which every registry and Lambda take.
 *
 * Layers in zstd, and plain ones as a docker archive has them, are compressed again, several at
 * a time. What is in them, and so their diff ids and the config, stays.
 */

#include "oci/base/progress.h"
#include "oci/image.h"
#include "oci/layout.h"

/** Writes the layers that are not gzip'd and the new manifest into `workspace`; everything else
 * stays in `from`. ERROR_INVALID for a layer that is not what its digest and diff id say,
 *  ERROR_LIMIT beyond LAYER_GIB_LIMIT. */
bool layers_compress(struct store *from, const struct image *image, struct layout *workspace,
                     struct progress *progress, struct image **out,
                     struct error *err) MUST_CHECK;
