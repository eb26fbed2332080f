/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "oci/base/memory.h"

struct rm_values {
    const char *name;
};

static const struct option rm_options[] = {
    OPTION_TEXT(struct rm_values, name, "n", "name", "NAME", "the function to remove"),
    OPTION_END,
};

static bool rm_run(struct context *context, const void *values, const char **arguments,
                   struct error *err)
{
    const struct rm_values *rm = values;
    struct platform *platform;
    (void)arguments;

    if (!rm->name)
        return error_set(err, ERROR_USAGE, "say which function: -n NAME");
    if (!definition_check_name(rm->name, err) ||
        !context_platform(context, NULL, &platform, err) ||
        !platform->ops->remove(platform, rm->name, err))
        return error_wrap(err, "rm");
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:s}", "FunctionName", rm->name), stdout);
    return true;
}

const struct command rm_command = {
    .name = "rm",
    .summary = "remove a function and what was made for it",
    .description = "Removes the function, its logs and its image. A repository is only removed "
                   "when skiff\n"
                   "made it and nothing else is in it.",
    .examples = "skiff rm -n hello\n"
                "skiff --local rm -n hello",
    .options = rm_options,
    .values_size = sizeof(struct rm_values),
    .run = rm_run,
};
