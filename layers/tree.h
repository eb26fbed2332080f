/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files a layer is going to have, before they are written.
 *
 * Entries may be added in any order; missing parent folders are added for them.
 * Only the path, whether it is a program, and the content count: owner, group, times and the
 * finer points of the mode are set when the layer is written, so that the same
 * files give the same layer on every machine.
 *
 * Paths are relative to the image's root: "var/task/supervisor".
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"
#include "oci/base/stream.h"

struct tree;

enum tree_kind { TREE_FOLDER, TREE_FILE, TREE_PROGRAM };

enum { TREE_FILE_LIMIT = 256 * 1024 * 1024 }; /* bytes in one file */

struct tree *tree_new(void);
void tree_free(struct tree *tree);

/** Adds a file with the bytes, which are borrowed until the tree is freed. ERROR_INVALID for a
 *  path that leaves the root, is taken already or runs through a file. */
bool tree_add_bytes(struct tree *tree, const char *path, enum tree_kind kind, const void *bytes,
                    size_t count, struct error *err) MUST_CHECK;

/** Adds a copy of a host file, which is read at once. */
bool tree_add_file(struct tree *tree, const char *path, enum tree_kind kind,
                   const char *host_path, struct error *err) MUST_CHECK;

/* One entry, borrowed from the tree. */
struct tree_entry {
    const char *path; /* without leading or trailing slash */
    enum tree_kind kind;
    const char *bytes; /* of a file */
    size_t count;
};

/** The entries in byte order of their paths, so that parents come before their children. */
size_t tree_entry_count(const struct tree *tree);
struct tree_entry tree_entry(const struct tree *tree, size_t position);

static inline void tree_cleanup(struct tree **variable)
{
    tree_free(*variable);
}
