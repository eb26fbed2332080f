/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of a sandbox, up to the moment its program begins.
 *
 * It runs in a copy of skiff's memory in which other threads may have held locks, so
 * nothing here allocates: system calls and the plan made beforehand are all it has.
 */

#include <stdbool.h>

/* Made before the child; all borrowed. */
struct sandbox_plan {
    int root_fd;
    int log_fd;
    int go_fd;     /* its end or a byte: whether the ids are set */
    int report_fd; /* takes a struct sandbox_failure; closes when the program begins */
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
