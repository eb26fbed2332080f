/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A folder for one test.
 */

/** A new, empty folder; its path is for temp_folder_remove(). */
char *temp_folder(void);

/** Removes it with all that is in it and frees the path. */
void temp_folder_remove(char *path);
