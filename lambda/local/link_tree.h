/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A second tree of folders over the same files.
 *
 * Files and links are hard links to those of the first, so a copy of a gigabyte takes a
 * fraction of a second and next to no room. Who changes a file changes it in both: these trees
 * are for those who only replace and remove, as unpacking does, and for those who may not.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "oci/base/error.h"

/** Puts what `from` has into the folder `to`, which is empty; folders keep the bits of their
 *  mode that are in `mask`. ERROR_SYSTEM where the file system has no hard links; `to` holds a
 *  part then. */
bool link_tree(const char *from, const char *to, mode_t mask, struct error *err) MUST_CHECK;
