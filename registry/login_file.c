/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/login_file.h"

#include <string.h>
#include <strings.h>

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { FILE_LIMIT = 1024 * 1024 }; /* bytes */

bool login_file_read(const char *path, json_t **out, struct error *err)
{
    owned(memory) char *bytes = NULL;
    struct error reason = {0};
    size_t count;

    if (!file_read(path, FILE_LIMIT, &bytes, &count, &reason)) {
        *out = json_object();
        if (reason.kind == ERROR_NOT_FOUND) /* nobody has logged in */
            return true;
        json_decref(take(out));
        *err = reason;
        return false;
    }
    if (strspn(bytes, " \t\r\n") == count) { /* as docker has it, too */
        *out = json_object();
        return true;
    }
    if (!json_parse(bytes, count, out, err))
        return error_wrap(err, "%s", path);
    if (!json_is_object(*out)) {
        json_decref(take(out));
        return error_set(err, ERROR_INVALID, "%s: it is no JSON object", path);
    }
    return true;
}

static bool is_docker_hub(const char *host)
{
    static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(host, names[i]) == 0)
            return true;
    return false;
}

const char *login_file_key(const char *host)
{
    return is_docker_hub(host) ? "https://index.docker.io/v1/" : host;
}

/* Keys are hosts, URLs of an API's root, or podman's "host/namespace/repository". */
const char *login_file_path(const char *key, const char *host)
{
    static const char *const roots[] = {"/", "/v1", "/v1/", "/v2", "/v2/"};
    const char *scheme = strstr(key, "://");
    const char *begin = scheme ? scheme + 3 : key;
    size_t length = strcspn(begin, "/");
    const char *path = begin + length;
    owned(memory) char *name = text_format("%.*s", (int)length, begin);

    if (strcasecmp(name, host) != 0 && !(is_docker_hub(name) && is_docker_hub(host)))
        return NULL;
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (strcmp(path, roots[i]) == 0)
            return "";
    if (!*path)
        return "";
    return scheme ? NULL : path + 1;
}

const char *login_file_helper(const json_t *file, const char *host)
{
    const char *key;
    json_t *name;

    json_object_foreach(json_object_get(file, "credHelpers"), key, name)
    {
        const char *path = login_file_path(key, host);
        if (path && !*path && json_string_length(name) > 0)
            return json_string_value(name);
    }
    const char *store = json_optional_string(file, "credsStore");
    return store && *store ? store : NULL;
}

static char *copy_unless_empty(const char *text)
{
    return text && *text ? memory_copy_string(text) : NULL;
}

/* Both, or nobody: what stands beside an identity token has no password. */
static void set_user(struct registry_login *out, const char *user, const char *password)
{
    if (!user || !*user || !password || !*password)
        return;
    out->user = memory_copy_string(user);
    out->password = memory_copy_string(password);
}

static bool read_auth(const char *auth, struct registry_login *out, struct error *err)
{
    owned(memory) char *both = NULL;
    size_t count;

    if (!base64_decode(auth, &both, &count, err))
        return error_wrap(err, "auth");
    char *colon = strchr(both, ':');
    if (!colon || strlen(both) != count)
        return error_set(err, ERROR_INVALID, "auth is not user:password in base64");
    *colon = '\0';
    set_user(out, both, colon + 1);
    return true;
}

bool login_file_entry(const json_t *entry, struct registry_login *out, struct error *err)
{
    owned(registry_login) struct registry_login login = {0};
    const char *auth = json_optional_string(entry, "auth");

    login.identity_token = copy_unless_empty(json_optional_string(entry, "identitytoken"));
    login.registry_token = copy_unless_empty(json_optional_string(entry, "registrytoken"));
    if (auth && *auth) {
        if (!read_auth(auth, &login, err))
            return false;
    } else {
        set_user(&login, json_optional_string(entry, "username"),
                 json_optional_string(entry, "password"));
    }
    if (!registry_login_check(&login, err))
        return false;
    *out = login;
    login = (struct registry_login){0};
    return true;
}
