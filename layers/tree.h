/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files a layer is going to have, before they are written.
 *
 * Entries may be added in any order; missing parent folders are added for them, and all are
 * sorted once, when they are first asked for. Only the path, a plain mode, and the content
 * count: owner, group and times are set when the layer is written, so that the same
 * files give the same layer on every machine.
 *
 * The content of host files stays where it is until then, so a tree is as small
 * as the names in it, each kept once, however long the paths are.
 *
 * Paths are relative to the image's root: "var/task/supervisor".
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/error.h"
#include "oci/base/stream.h"

struct tree;

enum tree_kind { TREE_FOLDER, TREE_FILE, TREE_PROGRAM, TREE_LINK };

enum { TREE_ENTRIES_LIMIT = 2 * 1000 * 1000 };

struct tree *tree_new(void);
void tree_free(struct tree *tree);

/* All of these: ERROR_INVALID for a path that leaves the root, is taken already or runs through
 * a file or link; ERROR_LIMIT beyond TREE_ENTRIES_LIMIT. */

/** Adds a file with the bytes, which are borrowed until the tree is freed. */
bool tree_add_bytes(struct tree *tree, const char *path, enum tree_kind kind, const void *bytes,
                    size_t count, struct error *err) MUST_CHECK;

/** Adds a host file, a link to one included, which must be there and readable. */
bool tree_add_file(struct tree *tree, const char *path, enum tree_kind kind,
                   const char *host_path, struct error *err) MUST_CHECK;

/** The same for a file whose size is known already, with a mode of its own. */
bool tree_add_file_as(struct tree *tree, const char *path, unsigned int mode,
                      const char *host_path, uint64_t size, struct error *err) MUST_CHECK;

/** Adds a symbolic link; `target` is kept as it is. */
bool tree_add_link(struct tree *tree, const char *path, const char *target,
                   struct error *err) MUST_CHECK;

/** Adds a folder; one that is there already is fine. */
bool tree_add_folder(struct tree *tree, const char *path, struct error *err) MUST_CHECK;

/* One entry, borrowed from the tree: its path until the next entry is asked for. */
struct tree_entry {
    const char *path; /* without leading or trailing slash */
    enum tree_kind kind;
    unsigned int mode;
    uint64_t size;         /* of a file, bytes */
    const char *bytes;     /* of a file; NULL: they are on the host, */
    const char *host_top;  /* where its path is this, followed by */
    const char *host_rest; /* this */
    const char *target;    /* of a link */
};

/** Whether there is such an entry; its path is `path`. Not for parts. */
bool tree_find(const struct tree *tree, const char *path, struct tree_entry *out);

/** The entries in byte order of their paths, so that parents come before their children. */
size_t tree_entry_count(const struct tree *tree);
struct tree_entry tree_entry(struct tree *tree, size_t position);

/* A part of a tree has at least so many bytes of content, and half as many more where paths and
 * sizes are as they usually are. */
enum { TREE_PART_MIB = 96 };

/** Takes the first entries, in their order, out of the tree, as a tree of their own with their
 *  parent folders; with `rest`, all of them. NULL when none is left. The part borrows from the
 *  tree, with which nothing else may be done from then on.
 *
 *  Where a part ends depends on the files around alone, so that a file more or less leaves most
 *  parts as they are: when it has TREE_PART_MIB, the next one begins with the first file of
 *  which FNV-1a of the path, modulo 32 MiB, is less than the size. */
struct tree *tree_take_part(struct tree *tree, bool rest);

/** Where a file is on the host, the caller's to free(); NULL for one that is not. */
char *tree_entry_host_path(const struct tree_entry *entry);

/** Opens the content of a file, which ends after exactly `size` bytes. ERROR_CONFLICT, when it
 * is read, for a host file that has become larger or smaller. */
bool tree_entry_open(const struct tree_entry *entry, struct source **out,
                     struct error *err) MUST_CHECK;

static inline void tree_cleanup(struct tree **variable)
{
    tree_free(*variable);
}
