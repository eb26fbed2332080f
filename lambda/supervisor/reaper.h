/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ending a program and all that came from it.
 *
 * A process may leave its group and its parent, but not its ancestors: we ask Linux to
 * hand us every orphan below us, and kill children until there are none.
 */

#include <stdbool.h>
#include <sys/types.h>

/** From now on orphans below this process become its children. */
void reaper_adopt(void);

/** Buries children that ended by themselves, except `leader`. True when `leader` has ended:
 *  it stays a zombie, so that its group's number is not given to others. */
bool reaper_has_ended(pid_t leader);

/** Kills the group of `leader` and every other child, and waits for them. `*status` is the
 *  leader's, as waitpid() has it. False when some do not die within two seconds. */
bool reaper_end(pid_t leader, int *status);
