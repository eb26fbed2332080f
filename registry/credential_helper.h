/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Programs that keep logins: docker-credential-<name>, found in PATH.
 *
 * They are run without a shell, told the registry on stdin, and answer on stdout.
 * What they say when they refuse is passed on, except for anything that may be a
 * secret.
 *
 * Source: docker/docker-credential-helpers
 */

#include "registry/registry_login.h"

/** Asks for the login of `server`; all zero when the helper knows none. */
bool credential_helper_get(const char *const *environment, const char *name, const char *server,
                           struct registry_login *out, struct error *err) MUST_CHECK;

/** Hands user and password over to be kept. */
bool credential_helper_store(const char *const *environment, const char *name,
                             const char *server, const struct registry_login *login,
                             struct error *err) MUST_CHECK;

/** Lets it forget the login; false in `*erased` when it knew none. */
bool credential_helper_erase(const char *const *environment, const char *name,
                             const char *server, bool *erased, struct error *err) MUST_CHECK;
