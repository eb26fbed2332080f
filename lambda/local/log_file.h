/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The file a function's log is kept in on this machine: what its invocations wrote, one
 * after the other. One that has grown too long is begun anew.
 */

#include <stddef.h>

#include "oci/base/error.h"

enum { LOG_FILE_LIMIT = 16 * 1024 * 1024 }; /* bytes */

/** Adds `log` at the end of the file, which is made when missing (0600). */
bool log_file_add(const char *path, const char *log, struct error *err) MUST_CHECK;
