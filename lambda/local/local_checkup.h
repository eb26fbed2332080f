/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether functions can run on this machine: the kernel must let an ordinary user make
 * namespaces, which it is asked by making some.
 */

#include "lambda/checkup.h"

/** Tries it in `folder`, which is ours and empty enough. `needed`: it is wrong where it cannot
 * be done, not just a pity. */
void local_checkup(const char *folder, bool needed, struct checkup *out);
