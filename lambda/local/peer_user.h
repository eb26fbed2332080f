/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whose process is at the other end of a connection within this machine.
 *
 * The kernel says so in its table of connections, where both ends are. An end whose process has
 * let go of it already is nobody's there, and could have been anybody's.
 *
 * Source: proc(5), /proc/net/tcp
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "oci/base/error.h"

/** Looks the end at `local`, connected with `remote`, up in a table as of /proc/net/tcp or
 *  tcp6. False when it is not there, or nobody's. */
bool peer_user_find(FILE *table, const struct sockaddr_in *local,
                    const struct sockaddr_in *remote, uid_t *out);

/** The user, as this process sees users, at the other end of `fd`, a connection of IPv4. False
 *  when that cannot be known, or the connection has ended. */
bool peer_user(int fd, uid_t *out);

/** Whether the kernel tells us at all. ERROR_SYSTEM or ERROR_NOT_FOUND when not. */
bool peer_user_is_known(struct error *err) MUST_CHECK;
