/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Small images made on the spot, for tests that need one to begin with.
 */

#include "oci/layout.h"

/** Puts an image for `platform` with one layer holding "etc/motd" into the layout, under `tag`
 *  (NULL: by digest only). `config`, JSON, replaces the "config" member (NULL: a shell). */
struct document sample_image(struct layout *layout, const char *tag, const char *platform,
                             const char *config);

/** Puts an index over an image for linux/amd64 and one for linux/arm64 into the layout. */
struct digest sample_index(struct layout *layout, const char *tag);
