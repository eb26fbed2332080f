/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/supervisor_program.h"
#include "layers/host_tree.h"
#include "layers/unpack.h"
#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

#define FUNCTION_FOLDER "/var/task"
#define IN_LAYER "var/task/"

static const char SUPERVISOR[] = "/" SUPERVISOR_PATH;
static const char USUAL_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static bool write_layer(const struct recipe *recipe, struct tree *tree,
                        struct layout *workspace, struct layer *out, struct error *err)
{
    return layer_write_as(tree, recipe->compression, recipe->created, workspace, out, err);
}

/* The one inside skiff is a layer already, and only one of another form has to be made. */
static bool write_own_supervisor(const struct recipe *recipe,
                                 const struct supervisor_program *own, struct layout *workspace,
                                 struct layer *out, struct error *err)
{
    owned(source) struct source *blob = memory_source(own->bytes, own->layer.blob.size);
    owned(memory) char *program = NULL;
    owned(tree) struct tree *tree = tree_new();
    struct store *store = layout_store(workspace);
    size_t count;

    if (recipe->compression == LAYER_GZIP && recipe->created == 0) {
        *out = own->layer;
        return store->ops->put_blob(store, &own->layer.blob, blob, err);
    }
    return unpack_file(blob, SUPERVISOR_PATH, SUPERVISOR_LIMIT, &program, &count, err) &&
           tree_add_bytes(tree, SUPERVISOR_PATH, TREE_PROGRAM, program, count, err) &&
           write_layer(recipe, tree, workspace, out, err);
}

static bool write_users_supervisor(const struct recipe *recipe, struct layout *workspace,
                                   struct layer *out, struct error *err)
{
    owned(tree) struct tree *tree = tree_new();

    if (!tree_add_file(tree, SUPERVISOR_PATH, TREE_PROGRAM, recipe->supervisor_path, err))
        return error_wrap(err, "supervisor");
    return write_layer(recipe, tree, workspace, out, err);
}

bool recipe_has_supervisor(const struct recipe *recipe)
{
    return recipe->definition->supervisor_mode != SUPERVISOR_NONE;
}

bool recipe_write_supervisor(const struct recipe *recipe, const struct platform_spec *platform,
                             struct layout *workspace, struct layer *out, struct error *err)
{
    struct supervisor_program own;

    if (recipe->supervisor_path)
        return write_users_supervisor(recipe, workspace, out, err);
    if (!supervisor_program_find(platform->architecture, &own))
        return error_set(err, ERROR_NOT_FOUND,
                         "no supervisor for %s in skiff; --supervisor names a program to take",
                         platform_spec_format(platform).text);
    return write_own_supervisor(recipe, &own, workspace, out, err);
}

bool recipe_write_function(const struct recipe *recipe, struct layout *workspace,
                           struct layer *out, struct error *err)
{
    const struct definition *definition = recipe->definition;
    owned(tree) struct tree *tree = tree_new();
    owned(memory) char *json = json_text(definition->config);
    owned(memory) char *config = text_format("%s\n", json);

    if (!tree_add_bytes(tree, IN_LAYER "function_config.yaml", TREE_FILE, config,
                        strlen(config), err))
        return false;
    if (definition->script) {
        owned(memory) char *path = text_format(IN_LAYER "%s", definition->script_name);
        if (!tree_add_file(tree, path, TREE_PROGRAM, definition->script, err))
            return error_wrap(err, "init script");
    }
    return write_layer(recipe, tree, workspace, out, err);
}

/* Nothing may come between the supervisor, which is below, and those who start it. */
static bool spare_supervisor(const struct tree *tree, struct error *err)
{
    static const char *const folders[] = {"var", "var/task"};
    struct tree_entry entry;

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (tree_find(tree, folders[i], &entry) && entry.kind != TREE_FOLDER)
            return error_set(err, ERROR_INVALID,
                             "/%s must be a folder, for the function lives in " FUNCTION_FOLDER,
                             folders[i]);
    if (tree_find(tree, SUPERVISOR + 1, &entry))
        return error_set(
            err, ERROR_INVALID,
            "%s is the place of skiff's own supervisor; --supervisor takes another",
            SUPERVISOR);
    return true;
}

struct copying {
    const struct recipe *recipe;
    struct layout *workspace;
    recipe_layer_function *tell;
    void *context;
    struct recipe_copied *out;
};

/* As many layers as the tree has parts; the one that makes them `most` takes the rest. */
static bool write_parts(const struct copying *copying, const char *path, struct tree *tree,
                        size_t most, struct error *err)
{
    struct recipe_copied *out = copying->out;

    for (;;) {
        struct layer *layer = &out->layers[out->count];
        owned(tree) struct tree *part = tree_take_part(tree, out->count + 1 == most);
        if (!part)
            return true;
        if (!write_layer(copying->recipe, part, copying->workspace, layer, err))
            return false;
        out->paths[out->count++] = path;
        copying->tell(copying->context, layer);
    }
}

static bool write_copy(const struct copying *copying, const struct definition_copy *copy,
                       size_t most, struct error *err)
{
    owned(tree) struct tree *tree = tree_new();

    return (host_tree_add(tree, copy->source, copy->path, copy->mode, err) &&
            spare_supervisor(tree, err) && write_parts(copying, copy->path, tree, most, err)) ||
           error_wrap(err, "copy '%.200s'", copy->source);
}

bool recipe_write_copies(const struct recipe *recipe, struct layout *workspace,
                         recipe_layer_function *tell, void *context, struct recipe_copied *out,
                         struct error *err)
{
    const struct definition *definition = recipe->definition;
    const struct copying copying = {recipe, workspace, tell, context, out};

    for (size_t i = 0; i < definition->copy_count; i++) {
        size_t others = definition->copy_count - i - 1;
        if (!write_copy(&copying, &definition->copies[i], RECIPE_COPIED_LIMIT - others, err))
            return false;
    }
    return true;
}

/* Strings that the list owns, ended by NULL. */
struct list {
    char **strings;
    size_t count;
};

static void list_add(struct list *list, char *string)
{
    list->strings = memory_resize(list->strings, list->count + 2, sizeof *list->strings);
    list->strings[list->count++] = string;
    list->strings[list->count] = NULL;
}

static void list_cleanup(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->strings[i]);
    free(list->strings);
}

/* What the definition says about PATH is the last word. */
static void list_environment(struct list *list, const struct recipe_layers *layers,
                             const struct image *base)
{
    const json_t *variables = layers->variables;
    owned(memory) const char **base_environment = image_environment(base);
    const char *path = environment_get(base_environment, "PATH");
    const char *name;
    const json_t *value;

    if (layers->has_supervisor && !json_object_get(variables, "PATH"))
        list_add(list, text_format("PATH=" FUNCTION_FOLDER ":%s", path ? path : USUAL_PATH));
    if (layers->has_supervisor && !json_object_get(variables, "PYTHONIOENCODING"))
        list_add(list, memory_copy_string("PYTHONIOENCODING=utf8"));
    json_object_foreach((json_t *)variables, name, value)
        list_add(list, text_format("%s=%s", name, json_string_value(value)));
}

static bool starts_supervisor(const struct image *base)
{
    owned(memory) const char **entrypoint = image_entrypoint(base);

    return entrypoint[0] && strcmp(entrypoint[0], SUPERVISOR) == 0;
}

/* Without a supervisor the base has to do all by itself. */
static bool check_base(const struct recipe_layers *layers, const struct image *base,
                       struct error *err)
{
    if (!layers->has_supervisor && starts_supervisor(base))
        return error_set(
            err, ERROR_INVALID,
            "supervisor.mode is none, and the base starts skiff's supervisor: it has "
            "to be an image with a runtime client of its own");
    return true;
}

/* A base that is a function's image already has a supervisor in front, and one is enough. */
static void list_command(struct list *list, const struct image *base)
{
    owned(memory) const char **entrypoint = image_entrypoint(base);
    owned(memory) const char **command = image_command(base);

    for (size_t i = starts_supervisor(base); entrypoint[i]; i++)
        list_add(list, memory_copy_string(entrypoint[i]));
    for (size_t i = 0; command[i]; i++)
        list_add(list, memory_copy_string(command[i]));
}

bool recipe_put_on(const struct recipe_layers *layers, const struct image *base,
                   struct layout *workspace, struct image **out, struct error *err)
{
    static const char *const none[] = {NULL};
    const char *const entrypoint[] = {SUPERVISOR, NULL};
    owned(list) struct list environment = {0};
    owned(list) struct list command = {0};

    if (!check_base(layers, base, err))
        return false;
    list_environment(&environment, layers, base);
    list_command(&command, base);
    const struct image_edit edit = {
        .additions = layers->additions,
        .addition_count = layers->count,
        .environment = environment.strings ? (const char *const *)environment.strings : none,
        .entrypoint = layers->has_supervisor ? entrypoint : NULL,
        .command = !layers->has_supervisor ? NULL
                   : command.strings       ? (const char *const *)command.strings
                                           : none,
        .working_directory =
            !layers->has_supervisor || image_working_directory(base) ? NULL : FUNCTION_FOLDER,
        .base_name = layers->base_name,
        .created = layers->created,
        .format = layers->format,
    };
    return image_derive(base, &edit, layout_store(workspace), out, err);
}

bool recipe_make(const struct recipe *recipe, const struct recipe_parts *parts,
                 const struct image *base, struct layout *workspace, struct image **out,
                 struct error *err)
{
    owned(list) struct list origins = {0};
    struct recipe_layers layers = {
        .variables = recipe->definition->container_environment,
        .has_supervisor = recipe_has_supervisor(recipe),
        .base_name = recipe->base_name,
        .created = recipe->created,
        .format = recipe->format,
    };
    struct image_addition *next = layers.additions;

    if (layers.has_supervisor)
        *next++ = (struct image_addition){parts->supervisor,
                                          RECIPE_ORIGIN SKIFF_VERSION ": supervisor"};
    for (size_t i = 0; i < parts->copied->count; i++) {
        list_add(&origins, text_format(RECIPE_ORIGIN SKIFF_VERSION ": copy to /%s",
                                       parts->copied->paths[i]));
        *next++ = (struct image_addition){parts->copied->layers[i], origins.strings[i]};
    }
    *next++ = (struct image_addition){parts->function,
                                      RECIPE_ORIGIN SKIFF_VERSION RECIPE_FUNCTION_ORIGIN};
    layers.count = (size_t)(next - layers.additions);
    return recipe_put_on(&layers, base, workspace, out, err);
}
