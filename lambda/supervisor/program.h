/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Something execve() can start.
 *
 * Scripts are started through their interpreter by hand: they need no executable bit, which
 * many a user's script lacks, and may lie on a file system that executes nothing.
 */

#include <stdbool.h>

#include "lambda/supervisor/log.h"
#include "oci/base/error.h"

struct program {
    char *path;
    char **arguments; /* ended by NULL; the first is the program's own name */
};

/** A command, looked for in `search`, a PATH, unless its name has a '/'. ERROR_NOT_FOUND. */
bool program_from_command(const char *const *arguments, const char *search, struct program *out,
                          struct error *err) MUST_CHECK;

/** A file: an ELF program, or a script for the interpreter it names, or else for /bin/sh.
 *  ERROR_NOT_FOUND when it or its shell is missing. */
bool program_from_file(const char *file, enum log_level lowest, struct program *out,
                       struct error *err) MUST_CHECK;

void program_release(struct program *program);

static inline void program_cleanup(struct program *variable)
{
    program_release(variable);
}
