/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tar archives written entry by entry, as no honest program would: any name, any
 * kind, any size.
 */

#include <stdint.h>

#include "oci/base/text.h"

enum { RAW_TAR_FILE = '0', RAW_TAR_HARD_LINK = '1', RAW_TAR_LINK = '2', RAW_TAR_DEVICE = '3' };

/** Adds a header alone. `target` of a link may be NULL. */
void raw_tar_header(struct text *tar, const char *name, int kind, const char *target,
                    uint64_t size);

/** Adds a file with its content. */
void raw_tar_file(struct text *tar, const char *name, const char *content);

/** Adds the two blocks of zeroes an archive ends with. */
void raw_tar_end(struct text *tar);
