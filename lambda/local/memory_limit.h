/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How much memory a sandbox may have, where this process may say so.
 *
 * A control group beside or below our own gets the processes. Whether that is allowed is the
 * machine's business: root usually may, an ordinary user where his session was delegated to
 * him. Where not, there is no limit; nothing else says "memory" as Lambda means it.
 *
 * Source: Linux Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst
 */

#include <stdbool.h>
#include <sys/types.h>

#include "oci/base/error.h"

/** Puts the process `pid` and its children to come under a limit. `*group`, a new string, is
 * for memory_limit_remove(). ERROR_DENIED where the machine does not let us. */
bool memory_limit_set(pid_t pid, int limit_mib, char **group, struct error *err) MUST_CHECK;

/** Once all the processes are gone. NULL is fine. */
void memory_limit_remove(char *group);
