/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct rm_values {
    const char *name;
    const char *file;
};

static const struct option rm_options[] = {
    OPTION_TEXT(struct rm_values, name, "n", "name", "NAME", "the function to remove"),
    OPTION_TEXT(struct rm_values, file, "f", "conf-file", "FILE",
                "the definition of the functions to remove"),
    OPTION_REFUSED("a", "all", "name them one by one: skiff ls, and skiff rm -n NAME"),
    OPTION_END,
};

static bool remove_one(struct context *context, const char *name, const char *region,
                       json_t *removed, struct error *err)
{
    struct platform *platform;

    if (!context_platform(context, region, &platform, err) ||
        !platform->ops->remove(platform, name, err))
        return false;
    json_array_append_new(removed, json_string(name));
    return true;
}

/* What a run before this one removed is in nobody's way. */
static bool remove_all(struct context *context, const struct definition_file *file,
                       json_t *removed, struct error *err)
{
    for (size_t i = 0; i < file->function_count; i++) {
        const struct definition *definition = &file->functions[i];
        struct error refused = {0};
        if (remove_one(context, definition->name, definition->region, removed, &refused))
            continue;
        if (refused.kind != ERROR_NOT_FOUND) {
            *err = refused;
            return error_wrap(err, "rm %s", definition->name);
        }
        progress_warn(context_progress(context), "%s", refused.text);
    }
    return true;
}

static bool rm_run(struct context *context, const void *values, const char **arguments,
                   struct error *err)
{
    const struct rm_values *rm = values;
    owned(definition_file) struct definition_file file = {0};
    json_owned json_t *removed = json_array();
    (void)arguments;

    if (!function_options_find(rm->name, rm->file, context_progress(context), &file, err) ||
        (rm->name && !remove_one(context, rm->name, NULL, removed, err)))
        return error_wrap(err, "rm");
    if (!remove_all(context, &file, removed, err))
        return false;
    if (!context_globals(context)->json)
        return true;
    if (rm->name)
        describe_print_json(json_pack("{s:s}", "FunctionName", rm->name), stdout);
    else
        describe_print_json(json_pack("{s:O}", "FunctionNames", removed), stdout);
    return true;
}

const struct command rm_command = {
    .name = "rm",
    .summary = "remove a function and what was made for it",
    .description = "Removes the function, its logs and its image. A repository is only removed "
                   "when skiff\n"
                   "made it and nothing else is in it.",
    .examples = "skiff rm -n hello\n"
                "skiff rm -f function.yaml\n"
                "skiff --local rm -n hello",
    .options = rm_options,
    .values_size = sizeof(struct rm_values),
    .run = rm_run,
};
