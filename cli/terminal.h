/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The user's terminal, for a program that is not to have it.
 *
 * The program gets a terminal of its own, and what is typed and printed is carried between
 * the two. So it has job control, Ctrl-C and a window that changes its size, and yet cannot
 * type commands into the user's.
 */

#include <stdbool.h>

#include "oci/base/error.h"

struct terminal;

/** Whether a person is at both ends. */
bool terminal_is_there(void);

/** Opens the program's terminal and lets each key through. Until terminal_free() nothing else
 *  may be printed, or read from stdin. */
bool terminal_open(struct terminal **out, struct error *err) MUST_CHECK;

/** The program's end. */
int terminal_fd(const struct terminal *terminal);

/** Carries until `exit_fd` can be read, or a signal tells us to end. */
void terminal_carry(struct terminal *terminal, int exit_fd);

/** Gives the user the terminal back as it was. */
void terminal_free(struct terminal *terminal);

static inline void terminal_cleanup(struct terminal **variable)
{
    terminal_free(*variable);
}
