/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The environment of one program, made anew for each event, so that nothing of one
 * event is seen by the next.
 */

#include <stdbool.h>
#include <stddef.h>

#include "lambda/supervisor/log.h"

/* Ended by NULL, as execve() wants it; each "NAME=value" is owned. */
struct variables {
    char **list;
    size_t count;
};

/** Starts with copies of `environment`. */
void variables_init(struct variables *variables, const char *const *environment);

/** Sets a variable, or changes it when it is there. Linux starts no program with one of 128 KiB
 * or more, so that is left out, and it is said. */
void variables_set(struct variables *variables, const char *name, const char *value,
                   enum log_level lowest);

/** The same for a whole "NAME=value". */
void variables_put(struct variables *variables, const char *assignment, enum log_level lowest);

bool variables_has(const struct variables *variables, const char *name);

void variables_release(struct variables *variables);

static inline void variables_cleanup(struct variables *variable)
{
    variables_release(variable);
}
