/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The files below a folder, by their paths in it: "a.txt", "sub/b.txt", in the order of their
 * bytes. Links to files count as files, links to folders are not followed, and what is no
 * file is passed over with a warning.
 */

#include <stddef.h>

#include "lambda/supervisor/log.h"

enum {
    FILE_LIST_LIMIT = 100000,
    FILE_LIST_DEPTH_LIMIT = 100,
};

struct file_list {
    char **paths;
    size_t count;
};

/** ERROR_LIMIT for too many or too deep, ERROR_SYSTEM for a folder that cannot be read. */
bool file_list_read(const char *folder, enum log_level lowest, struct file_list *out,
                    struct error *err) MUST_CHECK;
void file_list_release(struct file_list *list);

static inline void file_list_cleanup(struct file_list *variable)
{
    file_list_release(variable);
}
