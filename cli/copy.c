/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/copy.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/login_options.h"
#include "cli/size.h"
#include "oci/base/memory.h"

struct copy_values {
    struct login_values login;
    const char *platform;
    bool all;
};

static const struct option copy_options[] = {
    OPTION_TEXT(struct copy_values, platform, NULL, "platform", "PLATFORM",
                "only the image for this one (default: everything)"),
    OPTION_FLAG(struct copy_values, all, "a", "all", "everything under the name (the default)"),
    LOGIN_OPTIONS(struct copy_values, login),
    OPTION_END,
};

/* From one docker archive to another, layers stay plain. */
static bool open_source(struct context *context, const struct location *source,
                        const struct location *target, struct store **from, char **name,
                        struct error *err)
{
    if (target->kind != LOCATION_DOCKER_ARCHIVE)
        return context_image(context, source, from, name, err);
    *name = memory_copy_string(location_name(source));
    return context_store(context, source, false, from, err);
}

static bool copy_run(struct context *context, const void *values, const char **arguments,
                     struct error *err)
{
    const struct copy_values *copy = values;
    struct platform_spec platform;
    struct copy_options options = {.progress = context_progress(context)};
    owned(location) struct location source = {0};
    owned(location) struct location target = {0};
    struct store *from;
    struct store *to;
    struct copy_summary summary;
    owned(memory) char *name = NULL;

    if (copy->platform && copy->all)
        return error_set(err, ERROR_USAGE, "--all and --platform do not go together");
    if (copy->platform && !platform_spec_parse(copy->platform, &platform, err))
        return false;
    if (copy->platform)
        options.platform = &platform;
    if (!location_parse(arguments[0], &source, err) ||
        !location_parse_destination(arguments[1], &target, err))
        return false;
    const struct location *ours = target.kind == LOCATION_REGISTRY ? &target : &source;
    if (!login_options_use(&copy->login, context, ours, err) ||
        !open_source(context, &source, &target, &from, &name, err) ||
        !context_store(context, &target, true, &to, err) ||
        !image_copy(from, name, to, location_name(&target), &options, &summary, err))
        return error_wrap(err, "copy %s", arguments[0]);

    owned(memory) char *reference = location_format(&target);
    struct digest_text digest = digest_format(&summary.top.digest);
    if (context_globals(context)->json) {
        json_t *json = descriptor_write(&summary.top);
        json_object_set_new(json, "reference", json_string(reference));
        json_object_set_new(json, "bytesCarried",
                            json_integer((json_int_t)summary.blobs.bytes_carried));
        describe_print_json(json, stdout);
        return true;
    }
    progress_step(context_progress(context), "%s: %s", reference, digest.text);
    progress_step(context_progress(context),
                  "%zu blobs carried (%s), %zu mounted, %zu already there",
                  summary.blobs.blobs_carried, size_format(summary.blobs.bytes_carried).text,
                  summary.blobs.blobs_mounted, summary.blobs.blobs_there);
    return true;
}

const struct command copy_command = {
    .name = "copy",
    .arguments = "SOURCE DESTINATION",
    .summary = "copy an image between registries, folders and archives",
    .description =
        "SOURCE and DESTINATION are registry references, oci:FOLDER[:TAG], "
        "oci-archive:FILE[:TAG]\n"
        "or docker-archive:FILE[:REFERENCE]. Everything under the name is copied byte "
        "for byte,\n"
        "for all platforms, and what is there already is not sent again. A docker "
        "archive holds\n"
        "one image with plain layers, which are gzip'd when they leave it. --username is "
        "for\n"
        "DESTINATION, or for SOURCE where only that is in a registry.",
    .examples =
        "skiff copy alpine:3.20 oci:alpine:3.20\n"
        "skiff copy --platform linux/amd64 alpine:3.20 docker-archive:alpine.tar:alpine:3.20\n"
        "skiff copy --platform linux/arm64 oci:alpine:3.20 registry.example/alpine:arm",
    .options = copy_options,
    .values_size = sizeof(struct copy_values),
    .arguments_min = 2,
    .arguments_max = 2,
    .run = copy_run,
};
