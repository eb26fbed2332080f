/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A tree as a tar archive.
 *
 * What a file system knows beyond names and bytes is written one way for
 * everybody: owner and group 0 without names, one time stamp. PAX records appear
 * only for what a plain ustar header cannot hold: long or foreign names, 8 GiB.
 *
 * The bytes decide a layer's digest, so they are ours to the last one:
 * libarchive's writer translates names by the locale, and fails in "C" for
 * every name that is not ASCII.
 *
 * Spec: image-spec v1.1, layer.md; POSIX.1-2017, pax, "ustar Interchange Format"
 */

#include <stdint.h>
#include <time.h>

#include "layers/tree.h"

/** Writes the archive into `out`, which is neither finished nor freed. `modified`, in seconds
 *  since 1970 and not negative, is the time of every entry. */
bool tar_write(struct tree *tree, time_t modified, struct sink *out,
               struct error *err) MUST_CHECK;

/* The same, entry by entry, for an archive whose bytes are elsewhere: parents first. */
bool tar_write_folder(const char *path, time_t modified, struct sink *out,
                      struct error *err) MUST_CHECK;

/** Writes a file of `size` bytes, exactly what `bytes` gives; ERROR_INVALID otherwise. */
bool tar_write_file(const char *path, struct source *bytes, uint64_t size, time_t modified,
                    struct sink *out, struct error *err) MUST_CHECK;

bool tar_write_end(struct sink *out, struct error *err) MUST_CHECK;
