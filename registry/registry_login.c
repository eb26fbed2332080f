/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_login.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/credential_helper.h"
#include "registry/login_file.h"

enum { BEGINNING_BYTES = 16 }; /* of a secret that tell it from all other text */

/* --- one login -----------------------------------------------------------------------------
 */

bool registry_login_is_empty(const struct registry_login *login)
{
    return !login->user && !login->identity_token && !login->registry_token;
}

static bool has_control(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            return true;
    return false;
}

bool registry_login_check(const struct registry_login *login, struct error *err)
{
    if (has_control(login->user) || has_control(login->password) ||
        has_control(login->identity_token) || has_control(login->registry_token))
        return error_set(err, ERROR_INVALID,
                         "a login contains a line break or another control character");
    if (login->user && strchr(login->user, ':'))
        return error_set(err, ERROR_INVALID, "a login's user has a colon in its name");
    return true;
}

char *registry_login_name(const struct registry_login *login)
{
    if (login->identity_token)
        return memory_copy_string("the identity token");
    if (login->registry_token)
        return memory_copy_string("the registry token");
    return text_format("user '%.80s'", login->user ? login->user : "");
}

bool registry_secret_shows(const char *secret, const char *text)
{
    if (!secret || !*secret)
        return false;
    owned(memory) char *beginning = text_format("%.*s", BEGINNING_BYTES, secret);
    return strstr(text, beginning);
}

bool registry_login_tells(const struct registry_login *login, const char *text)
{
    owned(memory) char *basic = registry_login_basic(login);

    return registry_secret_shows(login->password, text) ||
           registry_secret_shows(login->identity_token, text) ||
           registry_secret_shows(login->registry_token, text) ||
           registry_secret_shows(basic ? basic + strlen("Basic ") : NULL, text);
}

char *registry_login_basic(const struct registry_login *login)
{
    if (!login->user || !login->password)
        return NULL;
    owned(memory) char *both = text_format("%s:%s", login->user, login->password);
    owned(memory) char *coded = base64_encode(both, strlen(both));
    return text_format("Basic %s", coded);
}

void registry_login_release(struct registry_login *login)
{
    free(login->user);
    free(login->password);
    free(login->identity_token);
    free(login->registry_token);
    *login = (struct registry_login){0};
}

/* --- all of a host -------------------------------------------------------------------------
 */

/* Takes the login over, unless it says nothing. */
static void add(struct registry_logins *logins, const char *path, int place,
                struct registry_login *login)
{
    if (registry_login_is_empty(login))
        return;
    logins->known = memory_resize(logins->known, logins->count + 1, sizeof *logins->known);
    logins->known[logins->count++] =
        (struct known_login){*login, memory_copy_string(path), place};
    *login = (struct registry_login){0};
}

static bool ask_helper(const char *const *environment, const json_t *file, const char *host,
                       int place, struct registry_logins *out, struct error *err)
{
    const char *helper = login_file_helper(file, host);
    owned(registry_login) struct registry_login login = {0};

    if (!helper)
        return true;
    if (!credential_helper_get(environment, helper, login_file_key(host), &login, err))
        return false;
    add(out, "", place, &login);
    return true;
}

static bool read_file(const char *const *environment, const char *path, const char *host,
                      int place, struct registry_logins *out, struct error *err)
{
    json_owned json_t *file = NULL;
    const char *key;
    json_t *entry;

    if (!login_file_read(path, &file, err))
        return false;
    if (!ask_helper(environment, file, host, place, out, err))
        return error_wrap(err, "%s", path);
    json_object_foreach(json_object_get(file, "auths"), key, entry)
    {
        owned(registry_login) struct registry_login login = {0};
        const char *scope = login_file_path(key, host);
        if (!scope)
            continue;
        if (!login_file_entry(entry, &login, err))
            return error_wrap(err, "%s: %.200s", path, key);
        add(out, scope, place, &login);
    }
    return true;
}

/* Then no later file is asked, whatever the repository. */
static bool is_complete(const struct registry_logins *logins)
{
    for (size_t i = 0; i < logins->count; i++)
        if (!logins->known[i].path[0])
            return true;
    return false;
}

bool registry_logins_find(const char *const *environment, const char *host,
                          struct registry_logins *out, struct error *err)
{
    static const struct {
        const char *variable;
        const char *rest;
    } places[] = {
        {"REGISTRY_AUTH_FILE", ""},
        {"DOCKER_CONFIG", "/config.json"},
        {"HOME", "/.docker/config.json"},
        {"XDG_RUNTIME_DIR", "/containers/auth.json"},
    };
    enum { COUNT = sizeof places / sizeof *places };
    owned(registry_logins) struct registry_logins found = {0};

    for (int i = 0; i < COUNT && !is_complete(&found); i++) {
        const char *folder = environment_get(environment, places[i].variable);
        if (!folder)
            continue;
        owned(memory) char *path = text_format("%s%s", folder, places[i].rest);
        if (!read_file(environment, path, host, i, &found, err))
            return error_wrap(err, "login for %s", host);
    }
    *out = found;
    found = (struct registry_logins){0};
    return true;
}

static bool is_below(const char *repository, const char *path)
{
    size_t length = strlen(path);

    return length == 0 || (strncmp(repository, path, length) == 0 &&
                           (repository[length] == '\0' || repository[length] == '/'));
}

const struct registry_login *registry_logins_for(const struct registry_logins *logins,
                                                 const char *repository)
{
    static const struct registry_login nobody;
    const struct known_login *best = NULL;

    for (size_t i = 0; i < logins->count; i++) {
        const struct known_login *each = &logins->known[i];
        if (!is_below(repository, each->path))
            continue;
        if (!best || (each->place == best->place && strlen(each->path) > strlen(best->path)))
            best = each;
    }
    return best ? &best->login : &nobody;
}

static char *copy(const char *text)
{
    return text ? memory_copy_string(text) : NULL;
}

void registry_logins_set(struct registry_logins *logins, const struct registry_login *login)
{
    struct registry_login own = {
        .user = copy(login->user),
        .password = copy(login->password),
        .identity_token = copy(login->identity_token),
        .registry_token = copy(login->registry_token),
    };

    registry_logins_release(logins);
    add(logins, "", 0, &own);
    registry_login_release(&own);
}

void registry_logins_release(struct registry_logins *logins)
{
    for (size_t i = 0; i < logins->count; i++) {
        registry_login_release(&logins->known[i].login);
        free(logins->known[i].path);
    }
    free(logins->known);
    *logins = (struct registry_logins){0};
}
