/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An event as it is written on the command line: JSON, '@FILE', or '-' for stdin.
 */

#include <stddef.h>

#include "oci/base/error.h"

enum { PAYLOAD_LIMIT = 6 * 1024 * 1024 }; /* bytes: what Lambda takes */

/** Reads it as it is; `*out` is the caller's to free(). ERROR_USAGE when it is not JSON,
 * ERROR_LIMIT beyond PAYLOAD_LIMIT. */
bool payload_read(const char *written, char **out, size_t *count, struct error *err) MUST_CHECK;
