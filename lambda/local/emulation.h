/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How programs of the other architecture run here: QEMU translates them.
 *
 * The kernel starts QEMU by itself where a table says so. Since Linux 6.7 a user namespace may
 * have a table of its own, so all that is needed is the program; the host's table is never
 * touched. A host that has its own entry, as those do where Debian's or Ubuntu's package is set
 * up, needs nothing of this.
 *
 * Source: Linux Documentation/admin-guide/binfmt-misc.rst
 */

#include <stdbool.h>

/** The path of QEMU for this architecture ("arm64"): "qemu-aarch64-static" or, statically
 *  linked too, "qemu-aarch64", in the folders of `search`, as PATH has them, or in /usr/bin. A
 *  new string; NULL: there is none. */
char *emulation_find(const char *architecture, const char *search);

/** The line for the table that has the programs of `architecture` run by `program`; a new
 * string. NULL when skiff does not know the architecture, or the table does not take the path.
 */
char *emulation_line(const char *architecture, const char *program);
