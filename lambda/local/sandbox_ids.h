/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who the users of a sandbox are on the host.
 *
 * Inside there are two: 0, whose the image's files are and who arranges them, and the
 * function's own, SANDBOX_ID, who can do nothing to them. Root may name any user of the host
 * for the second; an ordinary user needs an id that was set apart for him in /etc/subuid, and
 * newuidmap to use it. Without one, 0 is missing and both are the function's.
 *
 * Source: user_namespaces(7), subuid(5), newuidmap(1)
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/base/error.h"

enum sandbox_ids {
    SANDBOX_IDS_ROOTS,       /* root and nobody */
    SANDBOX_IDS_SUBORDINATE, /* the caller and the first of the subordinate ids */
    SANDBOX_IDS_CALLERS,     /* the caller alone */
    SANDBOX_IDS_NESTED,      /* likewise, as 0: some things are only for him to arrange. The
                                function's own id is in a second namespace, sandbox_ids_nest() */
    SANDBOX_IDS_REAL,        /* those of the host, without a user namespace */
};

/** The first id that `text`, as of /etc/subuid, sets apart for the user, who is there by name
 *  or by number; `name` may be NULL. */
bool subordinate_id_find(const char *text, const char *name, uid_t user, uint32_t *out);

/** Gives the user namespace of the process `pid` its ids. */
bool sandbox_ids_set(enum sandbox_ids ids, pid_t pid, struct error *err) MUST_CHECK;

/** Takes this process, who is 0, into a user namespace where the same user is SANDBOX_ID.
 *  `proc` is a folder, /proc as it can be written. Allocates nothing. */
bool sandbox_ids_nest(int proc);
