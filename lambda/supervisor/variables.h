/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The environment of one program, made anew for each event, so that nothing of one
 * event is seen by the next.
 */

#include <stddef.h>

/* Ended by NULL, as execve() wants it; each "NAME=value" is owned. */
struct variables {
    char **list;
    size_t count;
};

/** Starts with copies of `environment`. */
void variables_init(struct variables *variables, const char *const *environment);

/** Sets a variable, or changes it when it is there. */
void variables_set(struct variables *variables, const char *name, const char *value);

/** The same for a whole "NAME=value". */
void variables_put(struct variables *variables, const char *assignment);

void variables_release(struct variables *variables);

static inline void variables_cleanup(struct variables *variable)
{
    variables_release(variable);
}
