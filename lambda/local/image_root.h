/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image unpacked into a folder, for sandboxes to start from.
 *
 * The folder is named after the manifest's digest and never changes, so functions
 * on the same image share it. It gets its name when it is complete.
 */

#include "oci/base/progress.h"
#include "oci/image.h"

/** Where the root of the image with this manifest is or would be in `folder`; a new string. */
char *image_root_path(const char *folder, const struct digest *manifest);

/** Makes it, under functions_lock(), unless it is there. ERROR_INVALID for layers that do not
 *  unpack. */
bool image_root_make(const char *folder, struct store *store, const struct image *image,
                     struct progress *progress, struct error *err) MUST_CHECK;
