/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Another program, asked one question.
 *
 * It is run without a shell: what it is given are its arguments and its stdin, what
 * it answers is its stdout. stderr is not listened to. It ends within its time
 * or is ended.
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

struct program {
    const char *path;               /* of the file to run */
    const char *const *arguments;   /* beginning with its name, ended by NULL */
    const char *const *environment; /* ended by NULL */
    const char *input;              /* all of its stdin; it never touches the disk */
    size_t output_limit;            /* bytes */
    unsigned int limit_ms;
};

/** The file that `name` stands for in the environment's PATH; a new string, the caller's to
 *  free(), or NULL. */
char *program_find(const char *const *environment, const char *name);

/** Runs it to its end. `*output`, which ends in an uncounted NUL, is the caller's to free();
 *  `*status` is the exit status, or 128 and the signal's number. ERROR_LIMIT when it says too
 *  much or takes too long, ERROR_SYSTEM when it cannot be run. */
bool program_run(const struct program *program, char **output, size_t *count, int *status,
                 struct error *err) MUST_CHECK;
