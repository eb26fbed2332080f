/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Registries: stores across the network.
 *
 * One `struct registries` holds a session per host: how the host wants to be
 * asked, who we are there, the tokens it gave us. Repositories are opened as
 * stores; they share the session of their host and end with it. Everything may
 * be used from several threads.
 *
 * Hosts are asked by https, those on the loopback by plain http, as are others
 * for which that was said.
 *
 * Spec: distribution-spec v1.1, spec.md#api
 */

#include "oci/store.h"
#include "registry/http.h"
#include "registry/login_source.h"
#include "registry/registry_login.h"

struct registries;

/** Asks nothing yet. Both are borrowed; logins are looked up in `environment` when a host wants
 *  one. */
struct registries *registries_new(struct http *http, const char *const *environment);
void registries_free(struct registries *registries);

/** Says who we are at `host` instead of looking it up. With a `url` ("https://…", no path) that
 *  is where the host is really reached, and it takes user and password unasked, as ECR does;
 *  without, the password waits for the host to say who is to get it. The login is copied. */
void registries_set_login(struct registries *registries, const char *host, const char *url,
                          const struct registry_login *login);

/** Has that login renewed when it runs out; takes over the source. */
void registries_renew_login(struct registries *registries, const char *host,
                            struct login_source *source);

/** Asks `host` for nothing but whether the login is good. ERROR_DENIED when it is not. */
bool registries_check_login(struct registries *registries, const char *host,
                            struct error *err) MUST_CHECK;

/** Asks `host` by plain http, whatever that shows to whoever listens. */
void registries_set_plain(struct registries *registries, const char *host);

/** Has images of `host` pulled from `mirror` first, there under `path` ("" for none). Those
 * added first are asked first. */
void registries_add_mirror(struct registries *registries, const char *host, const char *mirror,
                           const char *path);

/** The repository to read from: behind the mirrors of its host. Otherwise as the next one. */
struct store *registries_source(struct registries *registries, const char *host,
                                const char *repository);

/** The repository as a store; freed with `registries`. Asks nothing yet. */
struct store *registries_repository(struct registries *registries, const char *host,
                                    const char *repository);

static inline void registries_cleanup(struct registries **variable)
{
    registries_free(*variable);
}
