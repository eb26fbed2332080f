/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who we are for a host, as docker and podman users have written it down.
 *
 * Looked up in $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json,
 * $HOME/.docker/config.json and $XDG_RUNTIME_DIR/containers/auth.json, in this
 * order; the first that knows the host wins.
 *
 * Source: docker's config.json, containers-auth.json(5)
 */

#include <stdbool.h>

#include "oci/base/error.h"

/* All zero: nobody in particular. */
struct registry_login {
    char *user;     /* owned */
    char *password; /* owned; never shown */
};

/** Finds the login for `host` ("docker.io" stands for Docker Hub under all its names). All zero
 *  when nobody knows the host. A file that is there but broken is ERROR_INVALID. */
bool registry_login_find(const char *const *environment, const char *host,
                         struct registry_login *out, struct error *err) MUST_CHECK;

/** The value of an Authorization header, "Basic …"; a new string, the caller's. NULL for
 * nobody. */
char *registry_login_basic(const struct registry_login *login);

void registry_login_release(struct registry_login *login);

static inline void registry_login_cleanup(struct registry_login *login)
{
    registry_login_release(login);
}
