/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Folders that live as long as one event.
 *
 * What a user's program leaves behind may be a tree of any depth, with folders that
 * forbid their owner. It has to go all the same: /tmp is small, and the next event must not
 * see it.
 */

#include <stddef.h>

#include "oci/base/error.h"

/** Makes a private folder below /tmp, named like Python's (SCAR's users know them). The
 *  name is the caller's to free(). */
bool scratch_make(char **path, struct error *err) MUST_CHECK;

/** Writes a file into such a folder, where nobody looks before the program is started, so that
 * it need not appear at once. ERROR_SYSTEM. */
bool scratch_write(const char *path, const void *bytes, size_t count,
                   struct error *err) MUST_CHECK;

/** Removes the folder and everything below it, following no links. ERROR_SYSTEM when some of
 *  it will not go. NULL is fine. */
bool scratch_remove(const char *path, struct error *err) MUST_CHECK;
