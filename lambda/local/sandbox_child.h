/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of a sandbox, up to the moment its program begins.
 *
 * It runs in a copy of skiff's memory in which other threads may have held locks, so
 * nothing here allocates: system calls and the plan made beforehand are all it has.
 */

#include <stdbool.h>

#include "lambda/local/sandbox_ids.h"

/* Made before the child; all borrowed. */
struct sandbox_plan {
    enum sandbox_ids ids;
    bool is_chroot; /* no namespaces; `root_fd` is a folder for this run alone */
    int root_fd;
    int files[3];      /* become stdin, stdout and stderr; stdin may be -1: /dev/null */
    bool owns_log;     /* files[1] is the program's to open again as /dev/stdout */
    bool has_terminal; /* files[0] is to be the program's controlling terminal */
    bool has_init;     /* the program is a child of pid 1 */
    int tmp_mib;
    const char *emulation; /* a line for binfmt_misc, or NULL */
    int go_fd;             /* its end or a byte: whether the ids are set */
    int report_fd;         /* takes a struct sandbox_failure; closes when the program begins */
    const char *const *arguments;
    const char *const *environment;
    const char *working_directory;
    const char *path; /* PATH of the environment */
};

enum sandbox_step {
    STEP_NAMESPACE, /* what a machine that forbids user namespaces refuses */
    STEP_SET_UP,
    STEP_EXECUTE,
};

/* Why the program never began. */
struct sandbox_failure {
    enum sandbox_step step;
    int reason; /* errno */
    char what[240];
};

/** Makes the world around itself and becomes the program. */
_Noreturn void sandbox_child(const struct sandbox_plan *plan);

/** Tells the parent what did not work, and errno; there is no way on. */
__attribute__((format(printf, 3, 4))) _Noreturn void
sandbox_give_up(const struct sandbox_plan *plan, enum sandbox_step step, const char *format,
                ...);
