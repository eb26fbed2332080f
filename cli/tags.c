/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/login_options.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct tags_values {
    struct login_values login;
};

static const struct option tags_options[] = {
    LOGIN_OPTIONS(struct tags_values, login),
    OPTION_END,
};

/* The place without a tag: "docker.io/library/alpine", "oci:folder". A new string. */
static char *place_of(const struct location *location)
{
    if (location->kind == LOCATION_REGISTRY)
        return text_format("%s/%s", location->reference.host, location->reference.repository);
    owned(location) struct location place = {
        .kind = location->kind,
        .path = memory_copy_string(location->path),
        .tag = memory_copy_string(""),
    };
    return location_format(&place);
}

static bool tags_run(struct context *context, const void *values, const char **arguments,
                     struct error *err)
{
    const struct tags_values *options = values;
    owned(location) struct location location = {0};
    json_owned json_t *tags = NULL;
    struct store *store;
    size_t i;
    const json_t *tag;

    if (!location_parse(arguments[0], &location, err))
        return false;
    if (!login_options_use(&options->login, context, &location, err) ||
        !context_store(context, &location, false, &store, err) ||
        !store_list_tags(store, &tags, err))
        return error_wrap(err, "tags %s", arguments[0]);
    if (context_globals(context)->json) {
        owned(memory) char *place = place_of(&location);
        describe_print_json(json_pack("{s:s, s:O}", "repository", place, "tags", tags), stdout);
        return true;
    }
    json_array_foreach(tags, i, tag)
    {
        describe_print_line(json_string_value(tag), stdout);
    }
    return true;
}

const struct command tags_command = {
    .name = "tags",
    .arguments = "REPOSITORY",
    .summary = "list the tags of a repository",
    .description =
        "REPOSITORY is a registry reference, whose tag does not count, or oci:FOLDER,\n"
        "oci-archive:FILE or docker-archive:FILE. One tag to a line, sorted.",
    .examples = "skiff tags alpine\n"
                "skiff tags --json registry.example/team/hello | jq -r '.tags[-1]'",
    .options = tags_options,
    .values_size = sizeof(struct tags_values),
    .arguments_min = 1,
    .arguments_max = 1,
    .result_is_content = true,
    .run = tags_run,
};
