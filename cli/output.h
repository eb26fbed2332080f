/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What goes to stdout, and whether it got there: results that a full disk has swallowed are not
 * to look like success.
 */

#include "oci/base/error.h"

/** Has output that no person watches kept together until it is flushed, in every libc. First of
 *  all that is done with stdout. */
void output_begin(void);

/** Writes what was printed. ERROR_SYSTEM when some of it could not be written, now or before.
 */
bool output_flush(struct error *err) MUST_CHECK;
