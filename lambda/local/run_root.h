/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A root for one run, where nothing can be mounted.
 *
 * It lies beside the image's own root and shares its files, which belong to root and are not
 * the function's to change. What would be mounted elsewhere is made in it: devices, a /tmp, and
 * the host's idea of the network. While it is locked (root_lock.h) somebody runs in it;
 * functions_sweep() takes away the others.
 */

#include "oci/base/error.h"

#define RUN_ROOT_PREFIX ".run-"

struct run_root {
    char *path; /* owned; NULL: there is none */
    int lock;
};

/** Needs what root may do. ERROR_DENIED when devices cannot be made. */
bool run_root_make(const char *image_root, struct run_root *out, struct error *err) MUST_CHECK;

/** Removes it. */
void run_root_release(struct run_root *root);
