/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Words from strangers that a terminal may be shown.
 *
 * A server or a file's name may hold control characters, and some of them
 * steer the terminal of whoever reads the message.
 */

/** Puts a blank in place of every control character, C1's in UTF-8 among them. */
void printable_make(char *string);
