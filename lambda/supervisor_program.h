/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The supervisors that travel inside skiff, one per architecture.
 *
 * They are ordinary static programs (lambda/supervisor/); nothing of the base image is needed
 * to run them. Each is here as the layer it is going to be, made when skiff was built
 * (static/make_layer.c), so that a function's image need not wait for it to be compressed.
 */

#include "oci/image.h"

/* Where it is in the layer, and in the image. */
#define SUPERVISOR_PATH "var/task/supervisor"

enum { SUPERVISOR_LIMIT = 64 * 1024 * 1024 }; /* bytes of the program */

struct supervisor_program {
    struct layer layer; /* gzip'd, and dated 0: 1970 */
    const void *bytes;  /* of the layer's blob; in memory that outlives everybody */
};

/** The program for "amd64" or "arm64"; false for other architectures. */
bool supervisor_program_find(const char *architecture, struct supervisor_program *out);
