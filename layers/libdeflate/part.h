/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A piece of a deflate stream, made by libdeflate.
 *
 * libdeflate itself knows whole streams only. A piece ends without ending the stream, on a
 * whole byte, and looks back to nothing before its own first byte: pieces are made at the same
 * time, by several threads, and written one after the other.
 *
 * Spec: RFC 1951, 3.2.3 and 3.2.4
 */

#include <stddef.h>

struct libdeflate_compressor;

/* To be added to what libdeflate_deflate_compress_bound() says. */
enum { LIBDEFLATE_PART_END_BYTES = 6 };

/** Compresses `count` bytes and tells how many they have become; 0 where `capacity` is less
 * than the bound of `count` and the end. */
size_t libdeflate_deflate_part(struct libdeflate_compressor *compressor, const void *bytes,
                               size_t count, void *out, size_t capacity);
