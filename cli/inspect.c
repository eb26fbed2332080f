/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/login_options.h"
#include "cli/size.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/index.h"

struct inspect_values {
    struct login_values login;
    const char *platform;
    bool raw;
};

static const struct option inspect_options[] = {
    OPTION_TEXT(struct inspect_values, platform, NULL, "platform", "PLATFORM",
                "only the image for this one"),
    OPTION_FLAG(struct inspect_values, raw, NULL, "raw",
                "the manifest's bytes as they are stored"),
    LOGIN_OPTIONS(struct inspect_values, login),
    OPTION_END,
};

struct inspection {
    struct store *store;
    struct describe_look look;
    json_t *manifests; /* NULL: print for people instead */
};

static bool show_image(const struct inspection *inspection, const char *name, struct error *err)
{
    owned(image) struct image *image = NULL;

    if (!image_open(inspection->store, name, NULL, &image, err))
        return false;
    if (inspection->manifests)
        json_array_append_new(inspection->manifests, describe_image(image));
    else
        describe_print_image(image, &inspection->look, stdout);
    return true;
}

static bool show_index(const struct inspection *inspection, const struct document *document,
                       struct error *err)
{
    owned(memory) struct index_entry *entries = NULL;
    size_t count;

    if (!index_read(document, &entries, &count, err))
        return false;
    if (!inspection->manifests)
        describe_print_platforms(entries, count, &inspection->look, stdout);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_attestation ||
            !media_type_is_manifest(entries[i].descriptor.media_type))
            continue;
        if (!show_image(inspection, digest_format(&entries[i].descriptor.digest).text, err))
            return false;
    }
    return true;
}

static bool show(struct inspection *inspection, const char *reference,
                 const struct document *document, struct error *err)
{
    const struct descriptor *descriptor = &document->descriptor;
    bool is_index = media_type_is_index(descriptor->media_type);
    struct digest_text digest = digest_format(&descriptor->digest);

    if (!inspection->manifests)
        printf("%s\n%s %s (%s)\n", reference, is_index ? "index" : "manifest", digest.text,
               size_format(descriptor->size).text);
    return is_index ? show_index(inspection, document, err)
                    : show_image(inspection, digest.text, err);
}

static bool inspect_run(struct context *context, const void *values, const char **arguments,
                        struct error *err)
{
    const struct inspect_values *inspect = values;
    owned(location) struct location location = {0};
    owned(document) struct document document = {0};
    struct platform_spec platform;
    struct inspection inspection = {0};

    if (inspect->platform && !platform_spec_parse(inspect->platform, &platform, err))
        return false;
    if (!location_parse(arguments[0], &location, err) ||
        !login_options_use(&inspect->login, context, &location, err) ||
        !context_store(context, &location, false, &inspection.store, err))
        return false;
    bool found =
        inspect->platform
            ? image_find(inspection.store, location_name(&location), &platform, &document, err)
            : store_resolve(inspection.store, location_name(&location), &document, err);
    if (!found)
        return error_wrap(err, "inspect %s", arguments[0]);
    if (inspect->raw) {
        fwrite(document.bytes, 1, (size_t)document.descriptor.size, stdout);
        return true;
    }

    owned(memory) char *reference = location_format(&location);
    json_owned json_t *manifests = context_globals(context)->json ? json_array() : NULL;
    inspection.manifests = manifests;
    inspection.look = context_look(context);
    if (!show(&inspection, reference, &document, err))
        return error_wrap(err, "inspect %s", arguments[0]);
    if (manifests) {
        json_t *json = descriptor_write(&document.descriptor);
        json_object_set_new(json, "reference", json_string(reference));
        json_object_set(json, "manifests", manifests);
        describe_print_json(json, stdout);
    }
    return true;
}

const struct command inspect_command = {
    .name = "inspect",
    .arguments = "IMAGE",
    .summary = "show what an image is made of",
    .description =
        "IMAGE is a registry reference, oci:FOLDER[:TAG], oci-archive:FILE[:TAG] or\n"
        "docker-archive:FILE[:REFERENCE]. Shows, for each platform, how the image runs, and "
        "its\n"
        "history with the layers drawn to scale. Nothing is downloaded but manifests and "
        "configs.",
    .examples = "skiff inspect alpine:3.20\n"
                "skiff inspect --json oci:hello | jq '.manifests[].digest'",
    .options = inspect_options,
    .values_size = sizeof(struct inspect_values),
    .arguments_min = 1,
    .arguments_max = 1,
    .result_is_content = true,
    .run = inspect_run,
};
