/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What 'skiff doctor' found, in the order it looked.
 */

#include <stddef.h>

#include "oci/base/error.h"

enum finding_state {
    FINDING_OK,
    FINDING_UNSURE, /* it could not be looked at, or is not needed for everything */
    FINDING_WRONG,  /* nothing will work before this does */
    FINDING_SKIPPED,
};

struct finding {
    const char *name; /* "region"; static */
    enum finding_state state;
    char *text;   /* owned */
    char *advice; /* owned; NULL: nothing to do */
};

enum { FINDINGS_LIMIT = 64 };

struct checkup {
    struct finding findings[FINDINGS_LIMIT];
    size_t count;
};

/** Adds a finding; `advice` may be NULL. What is too much is left out. */
void checkup_add(struct checkup *checkup, const char *name, enum finding_state state,
                 const char *advice, const char *format, ...) PRINTF_LIKE(5, 6);

/** How many are wrong. */
size_t checkup_count_wrong(const struct checkup *checkup);

/** "ok", "unsure", "wrong", "skipped". A static string. */
const char *finding_state_name(enum finding_state state);

void checkup_release(struct checkup *checkup);

static inline void checkup_cleanup(struct checkup *checkup)
{
    checkup_release(checkup);
}
