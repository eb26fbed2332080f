/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How much memory a sandbox may have, where this process may say so.
 *
 * A control group beside or below our own gets the processes. Whether that is allowed is the
 * machine's business: root usually may, an ordinary user where his session was delegated to
 * him. Where not, there is no limit; nothing else says "memory" as Lambda means it.
 *
 * Lambda ends a whole sandbox that wants too much. The newer kind of groups does so, too; of
 * the older the kernel ends one process, and says so, for us to end the others.
 *
 * Source: Linux Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst
 */

#include <stdbool.h>
#include <sys/types.h>

#include "oci/base/error.h"

struct memory_limit {
    char *group;     /* owned; NULL: there is none */
    int exceeded_fd; /* readable once it was; -1 where the kernel then ends all processes */
};

/** Puts the process `pid` and its children to come under a limit. ERROR_DENIED where the
 *  machine does not let us. */
bool memory_limit_set(pid_t pid, int limit_mib, struct memory_limit *out,
                      struct error *err) MUST_CHECK;

/** What all of them together have used at most, in KiB; 0 when nobody says. */
long memory_limit_peak_kib(const struct memory_limit *limit);

/** Once all the processes are gone. */
void memory_limit_remove(struct memory_limit *limit);
