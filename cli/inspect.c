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
#include "oci/manifest.h"

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

/* What is listed in another has a line of its own before it; an image brings one along. */
static void print_document(const struct document *document, int depth)
{
    const struct descriptor *descriptor = &document->descriptor;

    printf("%s%s %s (%s)\n", depth > 0 ? "\n" : "",
           media_type_is_index(descriptor->media_type) ? "index" : "manifest",
           digest_format(&descriptor->digest).text, size_format(descriptor->size).text);
}

static bool show_artifact(const struct inspection *inspection, const struct document *document,
                          const char *type, int depth, struct error *err)
{
    if (inspection->manifests) {
        json_t *json = descriptor_write(&document->descriptor);
        json_object_set_new(json, "artifactType", json_string(type));
        json_array_append_new(inspection->manifests, json);
        return true;
    }
    if (depth > 0)
        print_document(document, depth);
    return describe_print_artifact(document, type, stdout, err);
}

static bool show_manifest(const struct inspection *inspection, struct document *document,
                          int depth, struct error *err)
{
    owned(image) struct image *image = NULL;
    json_owned json_t *manifest = NULL;

    if (!document_parse(document, &manifest, err))
        return false;
    const char *artifact = manifest_artifact_type(manifest);
    if (artifact)
        return show_artifact(inspection, document, artifact, depth, err);
    if (!image_read(inspection->store, document, NULL, &image, err))
        return false;
    if (inspection->manifests)
        json_array_append_new(inspection->manifests, describe_image(image));
    else
        describe_print_image(image, &inspection->look, stdout);
    return true;
}

static bool show_index(const struct inspection *inspection, const struct document *index,
                       int depth, struct error *err);

static bool show(const struct inspection *inspection, struct document *document, int depth,
                 struct error *err)
{
    return media_type_is_index(document->descriptor.media_type)
               ? show_index(inspection, document, depth, err)
               : show_manifest(inspection, document, depth, err);
}

static bool show_entry(const struct inspection *inspection, const struct descriptor *entry,
                       int depth, struct error *err)
{
    owned(document) struct document document = {0};

    return store_resolve_entry(inspection->store, entry, &document, err) &&
           show(inspection, &document, depth, err);
}

static bool show_index(const struct inspection *inspection, const struct document *index,
                       int depth, struct error *err)
{
    owned(memory) struct index_entry *entries = NULL;
    size_t count;

    if (!index_check_depth(depth, err) || !index_read(index, &entries, &count, err))
        return false;
    if (!inspection->manifests) {
        if (depth > 0)
            print_document(index, depth);
        describe_print_platforms(entries, count, &inspection->look, stdout);
    }
    for (size_t i = 0; i < count; i++)
        if (!entries[i].is_attestation &&
            !show_entry(inspection, &entries[i].descriptor, depth + 1, err))
            return false;
    return true;
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
    const struct descriptor top = document.descriptor;
    if (!manifests) {
        printf("%s\n", reference);
        print_document(&document, 0);
    }
    if (!show(&inspection, &document, 0, err))
        return error_wrap(err, "inspect %s", arguments[0]);
    if (manifests) {
        json_t *json = descriptor_write(&top);
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
