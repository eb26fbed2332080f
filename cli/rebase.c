/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/rebase.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/delivery.h"
#include "cli/describe.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct rebase_values {
    const char *base;
    const char *destination;
};

static const struct option rebase_options[] = {
    OPTION_TEXT(struct rebase_values, base, NULL, "base", "IMAGE", "the new base image"),
    OPTION_TEXT(struct rebase_values, destination, NULL, "to", "IMAGE",
                "where the result goes (default: the same name)"),
    OPTION_END,
};

/* Where the image is, where it goes and what it goes onto, in words and as stores. */
struct places {
    struct location image, base;
    struct store *image_store, *base_store;
    const char *destination;
};

static void places_cleanup(struct places *places)
{
    location_release(&places->image);
    location_release(&places->base);
}

static bool find_places(struct context *context, const struct rebase_values *values,
                        const char *image, struct places *places, struct error *err)
{
    owned(location) struct location destination = {0};

    if (!values->base)
        return error_set(err, ERROR_USAGE, "say what the new base is: --base IMAGE");
    places->destination = values->destination ? values->destination : image;
    if (!location_parse(image, &places->image, err) ||
        !location_parse(values->base, &places->base, err))
        return false;
    if (!location_parse_destination(places->destination, &destination, err))
        return values->destination ? error_wrap(err, "--to")
                                   : error_wrap(err, "say where the result goes with --to");
    return context_store(context, &places->image, false, &places->image_store, err) &&
           context_store(context, &places->base, false, &places->base_store, err);
}

static bool rebase_and_send(struct context *context, const struct places *places,
                            json_t *results, struct error *err)
{
    owned(assembly) struct assembly assembly = {0};
    owned(memory) char *base_name = NULL;
    struct layout *workspace;
    struct rebase rebase = {
        .from = places->image_store,
        .from_name = location_name(&places->image),
        .base = places->base_store,
        .base_image = location_name(&places->base),
    };

    if (places->base.kind == LOCATION_REGISTRY)
        base_name = reference_format(&places->base.reference);
    rebase.base_name = base_name;
    if (!context_created(context, &rebase.created, err) ||
        !context_workspace(context, &workspace, err) ||
        !rebase_make(&rebase, workspace, &assembly, err))
        return false;

    owned(store) struct store *sources = store_union(places->image_store, places->base_store);
    owned(store) struct store *all = store_union(layout_store(workspace), sources);
    return delivery_send(context, &assembly, all, NULL, places->destination, results, err);
}

static bool rebase_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    owned(places) struct places places = {0};
    json_owned json_t *results = json_array();

    if (!find_places(context, values, arguments[0], &places, err) ||
        !rebase_and_send(context, &places, results, err))
        return error_wrap(err, "rebase %s", arguments[0]);
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:O}", "destinations", results), stdout);
    return true;
}

const struct command rebase_command = {
    .name = "rebase",
    .arguments = "IMAGE",
    .summary = "put a function's image on a newer base image",
    .description =
        "Takes the layers that skiff added to IMAGE and puts them on another base image, for "
        "every\n"
        "platform IMAGE has. Nothing is built again and neither script nor definition is "
        "needed;\n"
        "what runs, PATH and the working directory follow the new base.",
    .examples = "skiff rebase registry.example/team/hello:1.0 --base alpine:3.21\n"
                "skiff rebase oci:hello --base oci:newer --to registry.example/team/hello:1.1",
    .options = rebase_options,
    .values_size = sizeof(struct rebase_values),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = rebase_run,
};
