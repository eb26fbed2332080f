/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_copies.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lambda/definition_rules.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* What goes into the image besides the script, as it is written. */
static struct setting extra_payload(const struct reading *reading)
{
    return setting_choose(reading->options->extra_payload, "--extra-payload", reading->lambda,
                          "extra_payload", "extra_payload");
}

bool definition_has_copies(const struct reading *reading)
{
    const struct yaml_node *list = yaml_find(reading->container, "copy");

    return extra_payload(reading).text || (list && list->count > 0) ||
           (reading->options->copies && reading->options->copies[0]);
}

/* Whether it is a folder; a link might lead somewhere else tomorrow. */
static bool look_at_source(const char *path, bool *is_folder, struct error *err)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        bool is_missing = errno == ENOENT || errno == ENOTDIR;
        error_set_errno(err, "open '%.200s'", path);
        err->kind = is_missing ? ERROR_NOT_FOUND : ERROR_SYSTEM;
        return false;
    }
    if (S_ISLNK(status.st_mode))
        return error_set(err, ERROR_USAGE, "'%.200s' is a symbolic link; name what it leads to",
                         path);
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
        return error_set(err, ERROR_USAGE, "'%.200s' is neither a folder nor a file", path);
    *is_folder = S_ISDIR(status.st_mode);
    return true;
}

/* A slash at the end would have a link followed. */
static const char *keep_source(const struct reading *reading, const struct setting *setting)
{
    char *path = setting_path(reading, setting);

    for (size_t end = strlen(path); end > 1 && path[end - 1] == '/'; end--)
        path[end - 1] = '\0';
    return definition_keep(reading->memory, path);
}

static bool add_copy(const struct reading *reading, const struct setting *source,
                     const struct setting *destination, const struct setting *mode,
                     struct error *err)
{
    struct definition *out = reading->out;
    struct definition_copy copy = {.source = keep_source(reading, source)};
    bool is_folder = false;
    char *path;

    if (out->copy_count == COPIES_LIMIT) {
        error_set(err, ERROR_USAGE, "more than %d", COPIES_LIMIT);
        return setting_blame(reading, source, err);
    }
    if (!look_at_source(copy.source, &is_folder, err))
        return setting_blame(reading, source, err);
    const char *slash = strrchr(copy.source, '/');
    const char *name = slash ? slash + 1 : copy.source;
    if (!definition_rule_destination(destination->text, is_folder ? NULL : name, &path, err))
        return setting_blame(reading, destination, err);
    copy.path = definition_keep(reading->memory, path);
    if (mode->text && !definition_rule_mode(mode->text, &copy.mode, err))
        return setting_blame(reading, mode, err);
    out->copies[out->copy_count++] = copy;
    return true;
}

static bool add_copy_of_file(const struct reading *reading, const struct yaml_node *item,
                             struct error *err)
{
    const struct setting source = setting_choose(NULL, NULL, item, "src", "container.copy.src");
    const struct setting destination =
        setting_choose(NULL, NULL, item, "dest", "container.copy.dest");
    const struct setting mode = setting_choose(NULL, NULL, item, "mode", "container.copy.mode");

    if (!source.text)
        return setting_miss(reading, item, "container.copy.src", NULL, err);
    if (!destination.text)
        return setting_miss(reading, item, "container.copy.dest", NULL, err);
    return add_copy(reading, &source, &destination, &mode, err);
}

static bool add_copy_of_option(const struct reading *reading, const char *text,
                               struct error *err)
{
    const struct setting mode = {0};
    const char *colon = strrchr(text, ':');

    if (!colon || colon == text)
        return error_set(err, ERROR_USAGE, "--copy: expected SRC:DEST, found '%.80s'", text);
    const char *path =
        definition_keep(reading->memory, text_format("%.*s", (int)(colon - text), text));
    const struct setting source = {.text = path, .label = "--copy"};
    const struct setting destination = {.text = colon + 1, .label = "--copy"};
    return add_copy(reading, &source, &destination, &mode, err);
}

bool definition_read_copies(const struct reading *reading, struct error *err)
{
    const struct yaml_node *list = yaml_find(reading->container, "copy");
    const struct setting payload = extra_payload(reading);
    const struct setting task = {.text = "/var/task/", .label = payload.label};
    const struct setting mode = {0};

    if (reading->out->image_is_prepared)
        return true;
    if (payload.text && !add_copy(reading, &payload, &task, &mode, err))
        return false;
    for (size_t i = 0; list && i < list->count; i++)
        if (!add_copy_of_file(reading, &list->items[i], err))
            return false;
    for (const char *const *each = reading->options->copies; each && *each; each++)
        if (!add_copy_of_option(reading, *each, err))
            return false;
    return true;
}
