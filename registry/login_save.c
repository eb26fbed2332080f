/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/login_save.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/credential_helper.h"
#include "registry/login_file.h"

static bool choose_path(const char *const *environment, char **out, struct error *err)
{
    const char *file = environment_get(environment, "REGISTRY_AUTH_FILE");
    const char *folder = environment_get(environment, "DOCKER_CONFIG");
    const char *home = environment_get(environment, "HOME");

    if (!file && !folder && !home)
        return error_set(err, ERROR_USAGE,
                         "neither REGISTRY_AUTH_FILE, DOCKER_CONFIG nor HOME says where logins "
                         "are kept");
    *out = file     ? memory_copy_string(file)
           : folder ? text_format("%s/config.json", folder)
                    : text_format("%s/.docker/config.json", home);
    return true;
}

static bool make_folder_of(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    owned(memory) char *folder = text_format("%.*s", slash ? (int)(slash - path) : 0, path);

    return !*folder || folder_make_private(folder, err);
}

/* Where the link leads, even to nothing yet; NULL for what is no link. A new string. */
static char *follow_link(const char *path)
{
    const char *slash = strrchr(path, '/');
    char target[PATH_MAX];
    char *real = realpath(path, NULL);

    if (real)
        return real;
    ssize_t length = readlink(path, target, sizeof target);
    if (length <= 0 || (size_t)length == sizeof target)
        return NULL;
    return text_format("%.*s%.*s", target[0] == '/' || !slash ? 0 : (int)(slash - path + 1),
                       path, (int)length, target);
}

/* A file that is a link stays one: what it leads to is replaced. */
static bool write_file(const char *path, const json_t *file, struct error *err)
{
    owned(memory) char *text = json_text_for_people(file);
    owned(memory) char *real = follow_link(path);
    const char *place = real ? real : path;

    return make_folder_of(place, err) && file_write(place, 0600, text, strlen(text), err);
}

/* An entry for a part of the host stays. */
static bool remove_entries(json_t *auths, const char *host)
{
    bool removed = false;
    const char *key;
    json_t *entry;
    void *next;

    json_object_foreach_safe(auths, next, key, entry)
    {
        const char *path = login_file_path(key, host);
        if (path && !*path)
            removed = json_object_del(auths, key) == 0;
    }
    return removed;
}

static json_t *auths_of(json_t *file)
{
    if (!json_is_object(json_object_get(file, "auths")))
        json_object_set_new(file, "auths", json_object());
    return json_object_get(file, "auths");
}

static char *name_keeper(const char *helper, const char *path)
{
    return helper ? text_format("docker-credential-%s", helper) : memory_copy_string(path);
}

bool registry_login_save(const char *const *environment, const char *host,
                         const struct registry_login *login, char **keeper, struct error *err)
{
    owned(memory) char *path = NULL;
    json_owned json_t *file = NULL;

    if (!choose_path(environment, &path, err) || !login_file_read(path, &file, err))
        return false;

    const char *helper = login_file_helper(file, host);
    const char *key = login_file_key(host);
    json_t *entry = json_object();
    remove_entries(auths_of(file), host);
    json_object_set_new(auths_of(file), key, entry);
    if (helper) {
        if (!credential_helper_store(environment, helper, key, login, err))
            return false;
    } else {
        owned(memory) char *both = text_format("%s:%s", login->user, login->password);
        owned(memory) char *auth = base64_encode(both, strlen(both));
        json_object_set_new(entry, "auth", json_string(auth));
    }
    if (!write_file(path, file, err))
        return false;
    *keeper = name_keeper(helper, path);
    return true;
}

bool registry_login_erase(const char *const *environment, const char *host, bool *found,
                          char **keeper, struct error *err)
{
    owned(memory) char *path = NULL;
    json_owned json_t *file = NULL;
    bool erased = false;

    if (!choose_path(environment, &path, err) || !login_file_read(path, &file, err))
        return false;

    const char *helper = login_file_helper(file, host);
    if (helper &&
        !credential_helper_erase(environment, helper, login_file_key(host), &erased, err))
        return false;
    bool removed = remove_entries(json_object_get(file, "auths"), host);
    if (removed && !write_file(path, file, err))
        return false;
    *found = erased || removed;
    *keeper = name_keeper(helper, path);
    return true;
}
