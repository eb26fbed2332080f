/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writing logins down, where docker and podman find them again.
 *
 * The file is $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or
 * $HOME/.docker/config.json. Whatever else it says stays; it is replaced as a whole, and
 * readable by its owner alone. Where it names a helper program for the host, that
 * keeps the secret and the file an empty entry, as docker does it.
 */

#include "registry/registry_login.h"

/** Keeps user and password for all of `host`. `*keeper` says who has it now: a new string, the
 *  caller's to free(). */
bool registry_login_save(const char *const *environment, const char *host,
                         const struct registry_login *login, char **keeper,
                         struct error *err) MUST_CHECK;

/** Forgets the login for all of `host`; false in `*found` when there was none. */
bool registry_login_erase(const char *const *environment, const char *host, bool *found,
                          char **keeper, struct error *err) MUST_CHECK;
