/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/functions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lambda/function_environment.h"
#include "lambda/local/image_root.h"
#include "lambda/local/root_lock.h"
#include "lambda/local/run_root.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/text.h"

enum { RECORD_LIMIT = 1024 * 1024 };

static const char UNFINISHED[] = ".new-"; /* how files begin that are still being made */

bool function_record_make(const struct definition *definition, const char *image_uri,
                          struct function_record *out, struct error *err)
{
    const char *at = strrchr(image_uri, '@');
    struct digest image;

    if (!at)
        return error_set(err, ERROR_INVALID, "image '%.200s' is not named by digest",
                         image_uri);
    if (!digest_parse(at + 1, &image, err))
        return error_wrap(err, "image '%.200s'", image_uri);

    *out = (struct function_record){
        .name = memory_copy_string(definition->name),
        .image_uri = memory_copy_string(image_uri),
        .image = image,
        .region = definition->region ? memory_copy_string(definition->region) : NULL,
        .memory_mib = definition->memory_mib,
        .timeout_s = definition->timeout_s,
        .ephemeral_storage_mib = definition->ephemeral_storage_mib,
        .is_server = definition->supervisor_mode == SUPERVISOR_HTTP,
        .environment = function_environment(definition, image_uri),
        .image_config = json_incref((json_t *)definition->image_config),
    };
    return true;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool function_record_equal(const struct function_record *a, const struct function_record *b)
{
    bool same_config =
        a->image_config == b->image_config || json_equal(a->image_config, b->image_config);

    return same_config && same_text(a->name, b->name) && same_text(a->region, b->region) &&
           same_text(a->image_uri, b->image_uri) && a->memory_mib == b->memory_mib &&
           a->timeout_s == b->timeout_s &&
           a->ephemeral_storage_mib == b->ephemeral_storage_mib &&
           a->is_server == b->is_server && json_equal(a->environment, b->environment);
}

void function_record_release(struct function_record *record)
{
    free(record->name);
    free(record->image_uri);
    json_decref(record->bases);
    free(record->region);
    json_decref(record->environment);
    json_decref(record->image_config);
    *record = (struct function_record){0};
}

char *functions_path(const char *folder, const char *name, const char *suffix)
{
    return text_format("%s/functions/%s.%s", folder, name, suffix);
}

bool functions_has(const char *folder, const char *name)
{
    owned(memory) char *path = functions_path(folder, name, "json");

    return file_exists(path);
}

static bool parse_record(const json_t *json, struct function_record *out, struct error *err)
{
    owned(function_record) struct function_record record = {0};
    const char *name, *image_uri, *image;
    uint64_t memory_mib, timeout_s, storage_mib;
    json_t *environment;

    if (!json_field_string(json, "name", &name, err) ||
        !json_field_string(json, "imageUri", &image_uri, err) ||
        !json_field_string(json, "image", &image, err) ||
        !digest_parse(image, &record.image, err) ||
        !json_field_size(json, "memory", &memory_mib, err) ||
        !json_field_size(json, "timeout", &timeout_s, err) ||
        !json_field_size(json, "ephemeralStorage", &storage_mib, err) ||
        !json_field_object(json, "environment", &environment, err))
        return false;

    const char *region = json_optional_string(json, "region");
    record.name = memory_copy_string(name);
    record.image_uri = memory_copy_string(image_uri);
    record.bases = json_incref(json_object_get(json, "bases"));
    record.region = region ? memory_copy_string(region) : NULL;
    record.memory_mib = (int)memory_mib;
    record.timeout_s = (int)timeout_s;
    record.ephemeral_storage_mib = (int)storage_mib;
    record.is_server = json_is_true(json_object_get(json, "isServer"));
    record.environment = json_incref(environment);
    record.image_config = json_incref(json_object_get(json, "imageConfig"));
    *out = record;
    record = (struct function_record){0};
    return true;
}

bool functions_read(const char *folder, const char *name, struct function_record *out,
                    struct error *err)
{
    owned(memory) char *path = functions_path(folder, name, "json");
    owned(memory) char *bytes = NULL;
    json_owned json_t *json = NULL;
    size_t count;

    if (!file_read(path, RECORD_LIMIT, &bytes, &count, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        return error_set(err, ERROR_NOT_FOUND, "no function '%.80s' on this machine", name);
    }
    if (!json_parse(bytes, count, &json, err) || !parse_record(json, out, err))
        return error_wrap(err, "'%.200s'", path);
    return true;
}

bool functions_write(const char *folder, const struct function_record *record, time_t created,
                     struct error *err)
{
    json_owned json_t *json = json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:O, s:I}", "name", record->name, "imageUri",
        record->image_uri, "image", digest_format(&record->image).text, "memory",
        record->memory_mib, "timeout", record->timeout_s, "ephemeralStorage",
        record->ephemeral_storage_mib, "isServer", record->is_server, "environment",
        record->environment, "created", (json_int_t)created);
    if (record->bases)
        json_object_set(json, "bases", record->bases);
    if (record->region)
        json_object_set_new(json, "region", json_string(record->region));
    if (record->image_config)
        json_object_set(json, "imageConfig", record->image_config);

    owned(memory) char *path = functions_path(folder, record->name, "json");
    owned(memory) char *text = json_text(json);
    return file_write(path, 0600, text, strlen(text), err);
}

/* --- the lock and what it is good for ------------------------------------------------------
 */

static inline void folder_handle_cleanup(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* Leaves it to those who run in it. */
static bool remove_folder(const char *path, struct error *err)
{
    int lock;

    if (!root_lock_take(path, &lock))
        return true;
    bool removed = folder_remove(path, err);
    if (lock >= 0)
        close(lock);
    return removed;
}

/* Removes the entries of a folder that `is_rubbish`. Without the folder there are none. */
static bool remove_rubbish(const char *path, bool (*is_rubbish)(const char *, const json_t *),
                           const json_t *needed, struct error *err)
{
    owned(folder_handle) DIR *folder = opendir(path);
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            !is_rubbish(entry->d_name, needed))
            continue;
        owned(memory) char *rubbish = text_format("%s/%s", path, entry->d_name);
        if (unlink(rubbish) != 0 && !remove_folder(rubbish, err))
            return false;
    }
    return true;
}

static bool is_unfinished(const char *name, const json_t *needed)
{
    (void)needed;
    return strncmp(name, RUN_ROOT_PREFIX, strlen(RUN_ROOT_PREFIX)) == 0 ||
           strncmp(name, UNFINISHED, strlen(UNFINISHED)) == 0;
}

static bool is_not_needed(const char *name, const json_t *needed)
{
    return is_unfinished(name, NULL) || !json_object_get(needed, name);
}

/* Calls `visit` with the record of each function. */
static bool each_function(const char *folder,
                          void (*visit)(json_t *out, const struct function_record *record),
                          json_t *out, struct error *err)
{
    owned(memory) char *path = text_format("%s/functions", folder);
    owned(folder_handle) DIR *functions = opendir(path);
    const struct dirent *entry;

    while (functions && (entry = readdir(functions))) {
        owned(function_record) struct function_record record = {0};
        const char *suffix = strrchr(entry->d_name, '.');
        if (!suffix || suffix == entry->d_name || strcmp(suffix, ".json") != 0)
            continue;
        owned(memory) char *name =
            text_format("%.*s", (int)(suffix - entry->d_name), entry->d_name);
        if (!functions_read(folder, name, &record, err))
            return false;
        visit(out, &record);
    }
    return true;
}

/* What a function's root is called, and its bases, as names of members. */
static void note_needed(json_t *needed, const struct function_record *record)
{
    const json_t *base = NULL;
    size_t i;

    json_object_set_new(needed, digest_format(&record->image).text + strlen("sha256:"),
                        json_true());
    json_array_foreach(record->bases, i, base)
    {
        if (json_is_string(base))
            json_object_set_new(needed, json_string_value(base), json_true());
    }
}

static void note_function(json_t *functions, const struct function_record *record)
{
    json_array_append_new(functions,
                          json_pack("{s:s, s:i, s:i, s:s}", "Name", record->name, "Memory",
                                    record->memory_mib, "Timeout", record->timeout_s,
                                    "Image_id", record->image_uri));
}

bool functions_list(const char *folder, json_t *functions, struct error *err)
{
    return each_function(folder, note_function, functions, err);
}

bool functions_sweep(const char *folder, struct error *err)
{
    static const char *const places[] = {"functions", "images", "images/blobs/sha256"};
    json_owned json_t *needed = json_object();
    struct error unreadable;

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        owned(memory) char *path = text_format("%s/%s", folder, places[i]);
        if (!remove_rubbish(path, is_unfinished, NULL, err))
            return false;
    }
    /* A record that cannot be read may need any root. */
    bool is_known = each_function(folder, note_needed, needed, &unreadable);
    owned(memory) char *roots = text_format("%s/roots", folder);
    image_root_follow(roots, needed);
    return remove_rubbish(roots, is_known ? is_not_needed : is_unfinished, needed, err);
}

bool functions_lock(const char *folder, struct progress *progress, int *lock, struct error *err)
{
    static const char *const places[] = {"functions", "roots"};

    /* Images and logs may hold what is nobody else's business. */
    if (!folder_make_private(folder, err))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        owned(memory) char *path = text_format("%s/%s", folder, places[i]);
        if (!folder_make(path, err))
            return false;
    }
    owned(memory) char *path = text_format("%s/lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, "open '%.200s'", path);

    int turn = flock(fd, LOCK_EX | LOCK_NB);
    if (turn != 0 && errno == EWOULDBLOCK)
        progress_step(progress, "waiting for another skiff that is at work in '%.200s'",
                      folder);
    while (turn != 0 && (errno == EWOULDBLOCK || errno == EINTR))
        turn = flock(fd, LOCK_EX);
    if (turn != 0)
        error_set_errno(err, "lock '%.200s'", path);
    if (turn != 0 || !functions_sweep(folder, err)) {
        close(fd);
        return false;
    }
    *lock = fd;
    return true;
}
