/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A progress that writes down what it is told.
 */

#include "oci/base/progress.h"
#include "oci/base/text.h"

struct recorded_progress {
    struct progress progress;
    struct text steps;    /* a line each */
    struct text warnings; /* a line each */
    uint64_t bytes;       /* all advances together */
};

void recorded_progress_init(struct recorded_progress *recorded);
void recorded_progress_release(struct recorded_progress *recorded);

static inline void recorded_progress_cleanup(struct recorded_progress *recorded)
{
    recorded_progress_release(recorded);
}
