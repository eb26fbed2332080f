/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What stands in for a pid namespace where there are none.
 *
 * The keeper stays root while its child becomes the program. Whoever the program leaves behind
 * becomes the keeper's child, so nobody gets away: when the program ends, when it is told to
 * (SIGTERM) and when skiff is gone, the keeper ends them all, and then itself as the program
 * did.
 */

#include "lambda/local/sandbox_child.h"

/** Returns in the child alone, which has the plan's folder for its root. Allocates nothing. */
void sandbox_keep(const struct sandbox_plan *plan);
