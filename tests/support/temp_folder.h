/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A folder for one test.
 */

#include <stddef.h>

/** A new, empty folder; its path is for temp_folder_remove(). */
char *temp_folder(void);

/** How many names there are in a folder. */
size_t temp_folder_count(const char *path);

/** Removes it with all that is in it and frees the path. */
void temp_folder_remove(char *path);
