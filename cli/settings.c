/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/settings.h"

#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/base/yaml.h"

static bool add_mirror(struct registries *registries, const char *host, const char *place,
                       struct error *err)
{
    owned(memory) char *image = text_format("%s/x", place);
    size_t length = strcspn(place, "/");
    struct reference reference;

    if (!reference_parse(image, &reference, err))
        return false;
    if (strlen(reference.host) != length || strncmp(reference.host, place, length) != 0)
        return error_set(err, ERROR_USAGE, "'%.80s' does not begin with a host", place);
    const char *path = place[length] == '/' ? place + length + 1 : "";
    owned(memory) char *mirror = text_format("%.*s", (int)length, place);
    registries_add_mirror(registries, host, mirror, path);
    return true;
}

static bool add_option(struct registries *registries, const char *option, struct error *err)
{
    size_t length = strcspn(option, "=");
    owned(memory) char *host = text_format("%.*s", (int)length, option);

    if (length == 0 || option[length] == '\0')
        return error_set(err, ERROR_USAGE, "--mirror '%.80s' is not HOST=PLACE", option);
    if (!add_mirror(registries, host, option + length + 1, err))
        return error_wrap(err, "--mirror");
    return true;
}

static bool wrong(const struct yaml_node *node, const char *path, const char *what,
                  struct error *err)
{
    return error_set(err, ERROR_USAGE, "%s:%u:%u: %s", path, node->line, node->column, what);
}

/* Calls `add` for a string, or for each of a list of them. */
static bool each_string(const struct yaml_node *node, const char *path,
                        bool (*add)(struct registries *registries, const char *key,
                                    const char *value, struct error *err),
                        struct registries *registries, struct error *err)
{
    bool is_list = node->kind == YAML_SEQUENCE;
    size_t count = is_list ? node->count : 1;

    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *item = is_list ? &node->items[i] : node;
        if (item->kind != YAML_STRING)
            return wrong(item, path, "this is to be a text or a list of texts", err);
        if (!add(registries, node->key, item->text, err))
            return error_wrap(err, "%s:%u:%u", path, item->line, item->column);
    }
    return true;
}

static bool add_plain(struct registries *registries, const char *key, const char *host,
                      struct error *err)
{
    (void)key, (void)err;
    registries_set_plain(registries, host);
    return true;
}

static bool apply_key(const struct yaml_node *node, const char *path,
                      struct registries *registries, struct error *err)
{
    if (strcmp(node->key, "plain-http") == 0)
        return each_string(node, path, add_plain, registries, err);
    if (strcmp(node->key, "mirrors") != 0)
        return error_set(err, ERROR_USAGE,
                         "%s:%u:%u: unknown key '%.80s'; there are mirrors and plain-http",
                         path, node->key_line, node->key_column, node->key);
    if (node->kind != YAML_MAPPING)
        return wrong(node, path, "mirrors is to be hosts with their mirrors", err);
    for (size_t i = 0; i < node->count; i++)
        if (!each_string(&node->items[i], path, add_mirror, registries, err))
            return false;
    return true;
}

static bool apply_file(const char *path, struct registries *registries, struct error *err)
{
    owned(memory) char *bytes = NULL;
    owned(yaml) struct yaml_node root = {0};
    size_t count;

    if (!file_exists(path))
        return true;
    if (!file_read(path, YAML_FILE_LIMIT, &bytes, &count, err) ||
        !yaml_parse(path, bytes, count, &root, err))
        return false;
    if (root.kind != YAML_MAPPING)
        return root.kind == YAML_NULL || wrong(&root, path, "this is to be a mapping", err);
    for (size_t i = 0; i < root.count; i++)
        if (!apply_key(&root.items[i], path, registries, err))
            return false;
    return true;
}

bool settings_apply(const struct global_values *globals, const char *const *environment,
                    struct registries *registries, struct error *err)
{
    const char *folder = environment_get(environment, "XDG_CONFIG_HOME");
    const char *home = environment_get(environment, "HOME");

    for (size_t i = 0; i < globals->plain_http.count; i++)
        registries_set_plain(registries, globals->plain_http.values[i]);
    for (size_t i = 0; i < globals->mirrors.count; i++)
        if (!add_option(registries, globals->mirrors.values[i], err))
            return false;
    if (!folder && !home)
        return true;
    owned(memory) char *path = folder ? text_format("%s/skiff/config.yaml", folder)
                                      : text_format("%s/.config/skiff/config.yaml", home);
    return apply_file(path, registries, err);
}
