/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Progress for people.
 *
 * What has happened is a line of its own and stays: "copied sha256:1f0c… (3.2 MB)".
 * On a terminal, what is happening stands below these lines as bars, one for each
 * transfer and one for all of them, redrawn in place and gone when the last
 * transfer is:
 *
 *     copied sha256:9b1d… (1.1 MB)
 *     sha256:1f0c…  ━━━━━━━━━━━━────────────   12.3 MB of  24.0 MB   8.1 MB/s
 *     sha256:77ab…  ━━━─────────────────────    3.1 MB of  23.2 MB   2.0 MB/s
 *     total         ━━━━━━━─────────────────   16.5 MB of  48.3 MB  10.1 MB/s
 *
 * A transfer that fails says nothing here: its error is told by whoever waits for it.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "oci/base/progress.h"

struct progress_terminal_options {
    bool bars;                /* `out` is a terminal that can move its cursor */
    bool color;               /* for the bars */
    bool quiet;               /* only warnings */
    int columns;              /* the terminal's width; 80 when it is not known */
    FILE *warnings;           /* where they go; stderr when NULL */
    uint64_t (*now_ms)(void); /* a clock that never goes back; the machine's when NULL */
};

/** Writes to `out`, which outlives it. */
struct progress *progress_terminal_new(FILE *out,
                                       const struct progress_terminal_options *options);

/** Erases what bars are left. */
void progress_terminal_free(struct progress *progress);
