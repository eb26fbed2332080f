/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether somebody runs in a folder.
 *
 * Who runs in it shares a lock on it, which ends with him however he ends, and who takes the
 * folder away has it alone until it is gone. So nobody waits for anybody: what is in use is
 * taken away another time, by whoever sweeps next.
 */

#include <stdbool.h>

/** For one who begins to run in the folder. `*lock` is to close(). False, with errno, where
 *  there is none or it is being taken away. */
bool root_lock_share(const char *path, int *lock);

/** For one who takes the folder away. `*lock` is to close() afterwards; -1 where it cannot be
 *  opened, so that nobody can run in it. False: somebody does. */
bool root_lock_take(const char *path, int *lock);
