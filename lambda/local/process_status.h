/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the kernel tells everybody about a process: /proc/PID/status, and whose children are
 * whose.
 *
 * Source: proc(5)
 */

#include <stdbool.h>
#include <sys/types.h>

/** The first number of a line, "VmHWM:" say. False when there is no such process, or line. */
bool process_status_read(pid_t pid, const char *name, long *out);

/** What the process and all below it have had in memory at most, each at its own time, in KiB;
 *  of those that are there. */
long process_status_peak_kib(pid_t pid);
