/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Compressed bytes back to what they were, whichever way they were made smaller.
 */

#include <stdint.h>

#include "oci/base/stream.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

enum {
    COMPRESSION_MAGIC_BYTES = 4,
    LAYER_GIB_LIMIT = 64, /* of one layer, decompressed */
};

/** What the first bytes say. */
enum compression compression_guess(const void *bytes, size_t count);

/** Gives what `packed` holds: gzip and zstd decompressed, anything else as it is. It takes over
 *  `packed` and reads it to its end. ERROR_INVALID when it is damaged, ERROR_LIMIT beyond
 *  `limit` bytes. */
struct source *decompress_source(struct source *packed, uint64_t limit);
