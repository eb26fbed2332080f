/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A folder or file of the host put into a tree.
 *
 * Symbolic links stay links, a file with several names is written once for each, and what is
 * neither file, folder nor link is refused. Files that their owner, group or others may run
 * are programs. A folder's own .dockerignore says what is left out.
 */

#include "layers/tree.h"

enum {
    HOST_TREE_DEPTH = 200,      /* folders in a path; what Lambda's unpacking is sure to take */
    HOST_TREE_LINK_BYTES = 4095 /* in a link's target */
};

/** Adds the folder's content below `folder` of the image, "" for the root, or the file under
 *  that path. Files have `mode`, or, with 0, 0755 for a program and 0644. ERROR_INVALID names
 *  what is no file, folder or link; ERROR_NOT_FOUND, ERROR_LIMIT, ERROR_SYSTEM. */
bool host_tree_add(struct tree *tree, const char *host_path, const char *path,
                   unsigned int mode, struct error *err) MUST_CHECK;
