/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a .dockerignore leaves out.
 *
 * One pattern to a line, from the folder the file is in; "#" begins a comment, "!" brings back
 * what an earlier line left out, the last line that fits decides. "*" and "?" stay within a
 * name, "**" goes through any number of folders, and what fits a folder fits all inside it.
 *
 * Source: docs.docker.com, "Build context", .dockerignore files; github.com/moby/patternmatcher
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

enum {
    IGNORE_FILE_LIMIT = 256 * 1024, /* bytes */
    IGNORE_PATTERNS_LIMIT = 1000,
    IGNORE_PATTERN_LENGTH = 1000,
};

/* All zero leaves nothing out. */
struct ignore {
    struct ignore_pattern *patterns;
    size_t count;
    bool has_exceptions; /* so what is inside something left out may still be wanted */
};

/** Reads the lines. ERROR_INVALID for a pattern that means nothing, ERROR_LIMIT. */
bool ignore_parse(const char *text, struct ignore *out, struct error *err) MUST_CHECK;
void ignore_release(struct ignore *ignore);

/** Whether the path, relative and without dots, is left out. */
bool ignore_matches(const struct ignore *ignore, const char *path);

static inline void ignore_cleanup(struct ignore *ignore)
{
    ignore_release(ignore);
}
