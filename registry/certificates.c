/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/certificates.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/http.h"

enum { FILE_LIMIT = 1024 * 1024, FILES_LIMIT = 100 };

const char *const certificates_system_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine, NixOS */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat, Amazon Linux */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem", /* openSUSE */
    "/etc/ssl/cert.pem",      /* Alpine, OpenSSL's own */
    NULL,
};

const char *certificates_first_file(const char *const *files)
{
    while (*files && !file_exists(*files))
        files++;
    return *files;
}

char **certificates_folders(const char *const *environment)
{
    static const char *const usual[] = {"/etc/containers/certs.d", "/etc/docker/certs.d"};
    const char *home = environment_get(environment, "HOME");
    char **folders = memory_new(4, sizeof *folders);
    size_t count = 0;

    folders[count++] = text_format("%s/.config/containers/certs.d", home ? home : "");
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        folders[count++] = (char *)usual[i];
    return folders;
}

void certificates_release(struct certificates *certificates)
{
    free(certificates->authorities);
    free(certificates->certificate);
    free(certificates->key);
    *certificates = (struct certificates){0};
}

static bool ends_in(const char *name, const char *end)
{
    size_t length = strlen(name);

    return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* The file beside `path` that ends otherwise; a new string. */
static char *beside(const char *path, const char *end)
{
    return text_format("%.*s%s", (int)(strrchr(path, '.') - path), path, end);
}

static bool take_pair(const char *path, struct certificates *out, struct error *err)
{
    bool is_key = ends_in(path, ".key");
    owned(memory) char *certificate = is_key ? beside(path, ".cert") : memory_copy_string(path);
    owned(memory) char *key = is_key ? memory_copy_string(path) : beside(path, ".key");

    if (!file_exists(certificate))
        return error_set(err, ERROR_INVALID, "%.300s has no certificate beside it, %.300s", key,
                         certificate);
    if (!file_exists(key))
        return error_set(err, ERROR_INVALID, "%.300s has no key beside it, %.300s", certificate,
                         key);
    if (!out->certificate) {
        out->certificate = take(&certificate);
        out->key = take(&key);
    }
    return true;
}

static bool take_file(const char *path, struct text *authorities, struct certificates *out,
                      struct error *err)
{
    owned(memory) char *bytes = NULL;
    size_t count;

    if (ends_in(path, ".cert") || ends_in(path, ".key"))
        return take_pair(path, out, err);
    if (!ends_in(path, ".crt"))
        return true;
    if (!file_read(path, FILE_LIMIT, &bytes, &count, err))
        return false;
    text_addf(authorities, "%s\n", bytes);
    return true;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* `*found` stays false where there is no such folder, or none for us. */
static bool read_folder(const char *folder, struct certificates *out, bool *found,
                        struct error *err)
{
    struct certificates read = {0};
    owned(text) struct text authorities = {0};
    struct dirent **entries;

    int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        return true;
    bool right = count <= FILES_LIMIT ||
                 error_set(err, ERROR_LIMIT, "%s: more than %d files", folder, FILES_LIMIT);
    for (int i = 0; i < count; i++) {
        owned(memory) char *path = text_format("%s/%s", folder, entries[i]->d_name);
        right = right && take_file(path, &authorities, &read, err);
        free(entries[i]);
    }
    free(entries);
    if (!right) {
        certificates_release(&read);
        return false;
    }
    if (authorities.length > 0)
        read.authorities = text_take(&authorities);
    *out = read;
    *found = true;
    return true;
}

bool certificates_find(const char *const *folders, const char *url, struct certificates *out,
                       struct error *err)
{
    owned(memory) char *origin = http_url_origin(url);
    const char *host = origin + strlen("https://");
    bool found = false;

    *out = (struct certificates){0};
    for (; *folders && !found; folders++) {
        owned(memory) char *folder = text_format("%s/%s", *folders, host);
        if (!read_folder(folder, out, &found, err))
            return false;
    }
    return true;
}
