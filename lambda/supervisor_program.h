/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The supervisors that travel inside skiff, one per architecture.
 *
 * They are ordinary static programs (lambda/supervisor/) whose bytes the linker
 * put here; nothing of the base image is needed to run them.
 */

#include <stdbool.h>
#include <stddef.h>

/* Both point at memory that outlives everybody. */
struct supervisor_program {
    const void *bytes;
    size_t count;
};

/** The program for "amd64" or "arm64"; false for other architectures. */
bool supervisor_program_find(const char *architecture, struct supervisor_program *out);
