/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Secrets that a person hands over: by a pipe, or typed where nobody can read along.
 */

#include <stdbool.h>

#include "oci/base/error.h"

/** Reads one line from stdin: all there is when it is a pipe; on a terminal it asks with
 *  `question` on stderr, and does not show what is typed if `hidden`. A signal ends the program
 *  with the terminal as it was. `*out` is the caller's to free(). ERROR_USAGE for an empty line
 *  or several. */
bool secret_read(const char *question, bool hidden, char **out, struct error *err) MUST_CHECK;

/** Whether somebody can be asked. */
bool secret_can_ask(void);
