/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/size.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct prune_values {
    const char *name;
    int keep;
    bool all;
    bool dry_run;
};

static const struct option prune_options[] = {
    OPTION_TEXT(struct prune_values, name, "n", "name", "NAME", "the function"),
    OPTION_NUMBER(struct prune_values, keep, NULL, "keep", "N", "keep the N newest images"),
    OPTION_FLAG(struct prune_values, all, NULL, "all", "keep only what is in use"),
    OPTION_FLAG(struct prune_values, dry_run, NULL, "dry-run",
                "say what would be removed, and remove nothing"),
    OPTION_END,
};

static void print_removed(const json_t *removed, bool dry_run)
{
    const json_t *each = NULL;
    size_t i;

    json_array_foreach(removed, i, each)
    {
        const json_t *size = json_object_get(each, "size");
        printf("%s %s  %s\n", dry_run ? "would remove" : "removed",
               json_optional_string(each, "digest"),
               size_format((uint64_t)json_integer_value(size)).text);
    }
    if (json_array_size(removed) == 0)
        puts("nothing to remove");
}

static bool prune_run(struct context *context, const void *values, const char **arguments,
                      struct error *err)
{
    const struct prune_values *prune = values;
    const struct platform_pruning pruning = {.keep = prune->keep, .is_plan = prune->dry_run};
    json_owned json_t *removed = json_array();
    struct platform *platform;
    (void)arguments;

    if (!prune->name)
        return error_set(err, ERROR_USAGE, "say which function: -n NAME");
    if ((prune->keep > 0) == prune->all)
        return error_set(err, ERROR_USAGE,
                         "say how many images stay: --keep N, or --all for none "
                         "but those in use");
    if (!definition_check_name(prune->name, err) ||
        !context_platform(context, NULL, &platform, err) ||
        !platform->ops->prune(platform, prune->name, &pruning, removed, err))
        return error_wrap(err, "prune %.80s", prune->name);
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:s, s:O}", "FunctionName", prune->name,
                                      prune->dry_run ? "WouldRemove" : "Removed", removed),
                            stdout);
    else
        print_removed(removed, prune->dry_run);
    return true;
}

const struct command prune_command = {
    .name = "prune",
    .summary = "remove a function's older images",
    .description = "Removes images from the function's repository, the oldest first. What a\n"
                   "function or one of its versions runs always stays; a repository in which "
                   "--all has left\n"
                   "nothing goes, too. With --local there is\n"
                   "nothing to prune: an update takes the former image along.",
    .examples = "skiff prune -n hello --keep 5 --dry-run\n"
                "skiff prune -n hello --keep 5\n"
                "skiff prune -n hello --all",
    .options = prune_options,
    .values_size = sizeof(struct prune_values),
    .run = prune_run,
};
