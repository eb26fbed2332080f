/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_login.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { FILE_LIMIT = 1024 * 1024 }; /* bytes */

/* Docker Hub is written down as https://index.docker.io/v1/. */
static bool is_docker_hub(const char *host)
{
    static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(host, names[i]) == 0)
            return true;
    return false;
}

/* Keys are hosts, or URLs of an API's root. A key with another path is podman's login for a
 * part of a host, and not ours to use for all of it. */
static bool key_is_for(const char *key, const char *host)
{
    static const char *const roots[] = {"", "/", "/v1", "/v1/", "/v2", "/v2/"};
    const char *scheme = strstr(key, "://");
    const char *begin = scheme ? scheme + 3 : key;
    size_t length = strcspn(begin, "/");
    owned(memory) char *name = text_format("%.*s", (int)length, begin);
    bool is_root = false;

    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        is_root = is_root || strcmp(begin + length, roots[i]) == 0;
    return is_root &&
           (strcasecmp(name, host) == 0 || (is_docker_hub(name) && is_docker_hub(host)));
}

static bool has_line_break(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

/* {"auth": base64 of "user:password"}, or both in clear. An entry with neither stands for a
 * login kept elsewhere. */
static bool read_entry(const json_t *entry, struct registry_login *out, struct error *err)
{
    const char *auth = json_optional_string(entry, "auth");
    const char *user = json_optional_string(entry, "username");
    const char *password = json_optional_string(entry, "password");
    owned(memory) char *both = NULL;
    size_t count;

    if (auth && *auth) {
        if (!base64_decode(auth, &both, &count, err))
            return error_wrap(err, "auth");
        char *colon = strchr(both, ':');
        if (!colon || strlen(both) != count)
            return error_set(err, ERROR_INVALID, "auth is not user:password in base64");
        *colon = '\0';
        user = both;
        password = colon + 1;
    }
    if (!user || !*user || !password || !*password)
        return true;
    if (has_line_break(user) || has_line_break(password))
        return error_set(err, ERROR_INVALID, "a login contains a line break");
    out->user = memory_copy_string(user);
    out->password = memory_copy_string(password);
    return true;
}

static bool read_file(const char *path, const char *host, struct registry_login *out,
                      struct error *err)
{
    owned(memory) char *bytes = NULL;
    json_owned json_t *json = NULL;
    size_t count;

    if (!file_read(path, FILE_LIMIT, &bytes, &count, err))
        return err->kind == ERROR_NOT_FOUND; /* nobody has logged in */
    if (!json_parse(bytes, count, &json, err))
        return error_wrap(err, "%s", path);

    const char *key;
    json_t *entry;
    json_object_foreach(json_object_get(json, "auths"), key, entry)
    {
        if (out->user || !key_is_for(key, host))
            continue;
        if (!read_entry(entry, out, err))
            return error_wrap(err, "%s: %.200s", path, key);
    }
    return true;
}

bool registry_login_find(const char *const *environment, const char *host,
                         struct registry_login *out, struct error *err)
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

    for (size_t i = 0; i < sizeof places / sizeof *places && !out->user; i++) {
        const char *folder = environment_get(environment, places[i].variable);
        if (!folder)
            continue;
        owned(memory) char *path = text_format("%s%s", folder, places[i].rest);
        struct error reason = {0};
        if (!read_file(path, host, out, &reason)) {
            *err = reason;
            return error_wrap(err, "login for %s", host);
        }
    }
    return true;
}

char *registry_login_basic(const struct registry_login *login)
{
    if (!login->user)
        return NULL;
    owned(memory) char *both = text_format("%s:%s", login->user, login->password);
    owned(memory) char *coded = base64_encode(both, strlen(both));
    return text_format("Basic %s", coded);
}

void registry_login_release(struct registry_login *login)
{
    free(login->user);
    free(login->password);
    *login = (struct registry_login){0};
}
