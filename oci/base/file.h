/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files and folders of the host.
 *
 * A file is written beside its place, without a name or under another one, and
 * gets its own when it is finished, so readers see all of it or nothing. Errors
 * quote the path.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/base/stream.h"

/** Reads a whole file. ERROR_NOT_FOUND, ERROR_LIMIT beyond `limit` bytes, or
 *  ERROR_SYSTEM. `*bytes` is the caller's to free() and ends in an uncounted NUL. */
bool file_read(const char *path, size_t limit, char **bytes, size_t *count,
               struct error *err) MUST_CHECK;

/** Writes a whole file, visible only when complete. */
bool file_write(const char *path, mode_t mode, const void *bytes, size_t count,
                struct error *err) MUST_CHECK;

/** A source over the file's bytes; only regular files. */
bool file_source(const char *path, struct source **out, struct error *err) MUST_CHECK;

/** A sink into a temporary file of `folder`. When finished it becomes what `place` returns, a
 *  new string asked for at that moment, since the name may only then be known. Freed without
 *  finish it leaves nothing, and so does the end of the program where the file system has files
 *  without names (O_TMPFILE); elsewhere that may leave a ".new-…". */
bool file_sink(const char *folder, mode_t mode, char *(*place)(void *context), void *context,
               struct sink **out, struct error *err) MUST_CHECK;

/** The size of a regular file that can be read. */
bool file_size(const char *path, uint64_t *size, struct error *err) MUST_CHECK;

bool file_exists(const char *path);

/** Makes the folder and those above it that are missing (0777 less the umask). */
bool folder_make(const char *path, struct error *err) MUST_CHECK;

/** The same, but that the last of them, where it is missing, is for its owner alone (0700). */
bool folder_make_private(const char *path, struct error *err) MUST_CHECK;

/** Makes a private folder (0700) with a new name in `parent`, "<parent>/<prefix>XXXXXX".
 *  The name is the caller's to free(). */
bool folder_make_temporary(const char *parent, const char *prefix, char **path,
                           struct error *err) MUST_CHECK;

/** Removes the folder and what is in it, following no links. Missing is fine. */
bool folder_remove(const char *path, struct error *err) MUST_CHECK;
