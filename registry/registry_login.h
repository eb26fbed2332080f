/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who we are for a host, as docker and podman users have written it down.
 *
 * Looked up in $REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json,
 * $HOME/.docker/config.json and $XDG_RUNTIME_DIR/containers/auth.json, in this
 * order; the first that knows the host wins. A host may know us under several
 * names: each login is for all of it or for the repositories below a path, and
 * the longest path wins.
 *
 * Source: docker's config.json, containers-auth.json(5)
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

/* All zero: nobody in particular. All owned, and none but `user` ever shown. */
struct registry_login {
    char *user;
    char *password;
    char *identity_token; /* to be changed for tokens at a token server */
    char *registry_token; /* a token itself */
};

/* All that is known of one host. All zero: nothing. */
struct registry_logins {
    struct known_login {
        struct registry_login login;
        char *path; /* "" for the whole host */
        int place;  /* of the file it is from; lower ones win */
    } * known;
    size_t count;
};

/** Finds the logins for `host` ("docker.io" stands for Docker Hub under all its names), asking
 *  the helper program that keeps them where a file says so. A file that is there but broken is
 *  ERROR_INVALID. */
bool registry_logins_find(const char *const *environment, const char *host,
                          struct registry_logins *out, struct error *err) MUST_CHECK;

/** The login for a repository of the host; all zero when there is none. Borrowed. */
const struct registry_login *registry_logins_for(const struct registry_logins *logins,
                                                 const char *repository);

/** Makes a copy of `login` the one for the whole host, and forgets the others. */
void registry_logins_set(struct registry_logins *logins, const struct registry_login *login);

bool registry_login_is_empty(const struct registry_login *login);

/** ERROR_INVALID when it cannot be sent: headers have no line breaks, users no colon. */
bool registry_login_check(const struct registry_login *login, struct error *err) MUST_CHECK;

/** "user 'x'", "the identity token", for messages; a new string, the caller's. */
char *registry_login_name(const struct registry_login *login);

/** Whether the text has the secret in it, or the beginning of one that it was too short for.
 * `secret` may be NULL. */
bool registry_secret_shows(const char *secret, const char *text);

/** Whether the text has one of its secrets in it, also as a header has them, and is not to be
 * shown. */
bool registry_login_tells(const struct registry_login *login, const char *text);

/** The value of an Authorization header, "Basic …"; a new string, the caller's. NULL without
 *  user and password. */
char *registry_login_basic(const struct registry_login *login);

void registry_login_release(struct registry_login *login);
void registry_logins_release(struct registry_logins *logins);

static inline void registry_login_cleanup(struct registry_login *login)
{
    registry_login_release(login);
}
static inline void registry_logins_cleanup(struct registry_logins *logins)
{
    registry_logins_release(logins);
}
