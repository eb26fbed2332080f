/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

static const struct option ls_options[] = {
    OPTION_REFUSED("b", "bucket", "use 'aws s3 ls s3://BUCKET/FOLDER/'"),
    OPTION_END,
};

static const char *text_of(const json_t *function, const char *name)
{
    const char *text = json_optional_string(function, name);

    return text ? text : "-";
}

static void print_table(const json_t *functions)
{
    const json_t *each = NULL;
    size_t i;
    size_t widest = strlen("NAME");

    json_array_foreach(functions, i, each) if (strlen(text_of(each, "Name")) > widest) widest =
        strlen(text_of(each, "Name"));
    printf("%-*s  %6s  %4s  %s\n", (int)widest, "NAME", "MEMORY", "TIME", "IMAGE_ID");
    json_array_foreach(functions, i, each)
        printf("%-*s  %6lld  %4lld  %s\n", (int)widest, text_of(each, "Name"),
               (long long)json_integer_value(json_object_get(each, "Memory")),
               (long long)json_integer_value(json_object_get(each, "Timeout")),
               text_of(each, "Image_id"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(text_of(*(json_t *const *)a, "Name"), text_of(*(json_t *const *)b, "Name"));
}

/* A new array in the order of names. */
static json_t *sorted(const json_t *functions)
{
    size_t count = json_array_size(functions);
    owned(memory) json_t **list = memory_new(count + 1, sizeof *list);
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++)
        list[i] = json_array_get(functions, i);
    qsort(list, count, sizeof *list, by_name);
    for (size_t i = 0; i < count; i++)
        json_array_append(out, list[i]);
    return out;
}

static bool ls_run(struct context *context, const void *values, const char **arguments,
                   struct error *err)
{
    json_owned json_t *found = json_array();
    struct platform *platform;
    (void)values, (void)arguments;

    if (!context_platform(context, NULL, &platform, err) ||
        !platform->ops->list(platform, found, err))
        return error_wrap(err, "ls");
    json_owned json_t *functions = sorted(found);
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:O}", "Functions", functions), stdout);
    else
        print_table(functions);
    return true;
}

const struct command ls_command = {
    .name = "ls",
    .summary = "list the functions that skiff or SCAR made",
    .description =
        "Lists the functions of the region, or of this machine with --local, that carry\n"
        "their definition with them (FDL), as those of skiff and SCAR do.",
    .examples = "skiff ls\n"
                "skiff ls --json\n"
                "skiff --local ls",
    .options = ls_options,
    .values_size = 1, /* there are none */
    .result_is_content = true,
    .run = ls_run,
};
