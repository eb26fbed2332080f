/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A tar archive on disk, read by name.
 *
 * The archive is gone through once and only names, sizes and places are kept; a
 * member's bytes are read from where they lie, by several threads at once. One
 * compressed with gzip or zstd, which has no places, is decompressed into a
 * file without a name first.
 *
 * Archives come from strangers: a name that leaves the archive, a name twice, a
 * device or a link without an end is refused, and nothing is ever written under
 * a name the archive chose.
 */

#include <stdbool.h>
#include <stdint.h>

#include "oci/base/stream.h"

enum {
    TAR_FILE_MEMBERS_LIMIT = 100 * 1000,
    TAR_FILE_NAME_LIMIT = 1000, /* bytes */
    TAR_FILE_LINKS_LIMIT = 8,   /* from name to name */
    TAR_FILE_GIB_LIMIT = 64,    /* of an archive that was compressed */
};

struct tar_file;

/** A regular file in the archive. */
struct tar_member {
    uint64_t offset; /* of its header */
    uint64_t size;   /* bytes */
};

/** Opens the archive; what is decompressed goes to `folder`. ERROR_NOT_FOUND, ERROR_INVALID,
 *  ERROR_LIMIT. */
bool tar_file_open(const char *path, const char *folder, struct tar_file **out,
                   struct error *err) MUST_CHECK;
void tar_file_free(struct tar_file *file);

const char *tar_file_path(const struct tar_file *file);

/** Finds a member, following links inside the archive. ERROR_NOT_FOUND. */
bool tar_file_find(const struct tar_file *file, const char *name, struct tar_member *out,
                   struct error *err) MUST_CHECK;

/** The member's bytes. The archive must outlive the source. */
bool tar_file_source(const struct tar_file *file, const struct tar_member *member,
                     struct source **out, struct error *err) MUST_CHECK;

/** Reads a small member whole, at most `limit` bytes; `*bytes` is the caller's to free() and
 * ends in an uncounted NUL. */
bool tar_file_read(const struct tar_file *file, const char *name, size_t limit, char **bytes,
                   size_t *count, struct error *err) MUST_CHECK;

static inline void tar_file_cleanup(struct tar_file **variable)
{
    tar_file_free(*variable);
}
