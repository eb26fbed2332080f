/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/delivery.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "cli/login_options.h"
#include "lambda/assembly.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct build_values {
    struct login_values login;
    struct function_values function;
    const char *platforms;
    struct option_list destinations;
    bool push;
    const char *metadata_file;
    const char *format;
    const char *compression;
};

static const struct option build_options[] = {
    FUNCTION_OPTIONS(struct build_values, function),
    OPTION_TEXT(struct build_values, platforms, NULL, "platform", "LIST",
                "linux/amd64,linux/arm64 (default: the definition's)"),
    OPTION_LIST(struct build_values, destinations, NULL, "to", "IMAGE",
                "where the image goes; may be repeated"),
    OPTION_FLAG(struct build_values, push, NULL, "push",
                "to the function's repository in ECR, made when missing, for Lambda"),
    OPTION_TEXT(struct build_values, metadata_file, NULL, "metadata-file", "FILE",
                "write digests, sizes and types as JSON"),
    OPTION_TEXT(struct build_values, format, NULL, "format", "FORMAT",
                "oci or docker: whose types the image is in (default oci)"),
    OPTION_TEXT(struct build_values, compression, NULL, "compression", "KIND",
                "gzip or zstd, for the new layers (default gzip)"),
    OPTION_TEXT(struct build_values, function.supervisor, NULL, "supervisor", "FILE",
                "a supervisor of your own instead of the one inside"),
    LOGIN_OPTIONS(struct build_values, login),
    OPTION_END,
};

/* The login given is for the registry the image goes to, or else for that of its base. */
static bool use_login(struct context *context, const struct build_values *build,
                      const struct location *base, struct error *err)
{
    struct location chosen = *base; /* a view of it; registries' locations own nothing */
    bool is_target = false;

    for (size_t i = 0; i < build->destinations.count; i++) {
        owned(location) struct location each = {0};
        if (!location_parse_destination(build->destinations.values[i], &each, err))
            return false;
        if (each.kind != LOCATION_REGISTRY)
            continue;
        if (build->login.username && is_target &&
            strcmp(chosen.reference.host, each.reference.host) != 0)
            return error_set(err, ERROR_USAGE,
                             "--username is for one registry, and the image goes to %s and %s: "
                             "use 'skiff login'",
                             chosen.reference.host, each.reference.host);
        is_target = true;
        chosen = (struct location){.kind = LOCATION_REGISTRY, .reference = each.reference};
    }
    return login_options_use(&build->login, context, &chosen, err);
}

static bool choose_platforms(const struct build_values *build,
                             const struct definition *definition,
                             struct platform_spec out[PLATFORMS_LIMIT], size_t *count,
                             struct error *err)
{
    if (build->platforms)
        return platform_spec_parse_list(build->platforms, out, count, err);
    *count = definition->architecture_count;
    memcpy(out, definition->architectures, *count * sizeof *out);
    return true;
}

/* Whether `text` is the second of two words; NULL is the first. */
static bool choose_word(const char *option, const char *text, const char *first,
                        const char *second, bool *is_second, struct error *err)
{
    *is_second = text && strcmp(text, second) == 0;
    if (text && !*is_second && strcmp(text, first) != 0)
        return error_set(err, ERROR_USAGE, "--%s: expected %s or %s, found '%.40s'", option,
                         first, second, text);
    return true;
}

static bool choose_form(const struct build_values *build, struct recipe *recipe,
                        struct error *err)
{
    bool is_docker;
    bool is_zstd;

    if (!choose_word("format", build->format, "oci", "docker", &is_docker, err) ||
        !choose_word("compression", build->compression, "gzip", "zstd", &is_zstd, err))
        return false;
    if (is_docker && is_zstd)
        return error_set(err, ERROR_USAGE,
                         "Docker's format has no name for zstd: --compression zstd wants "
                         "--format oci");
    recipe->format = is_docker ? IMAGE_FORMAT_DOCKER : IMAGE_FORMAT_OCI;
    recipe->compression = is_zstd ? LAYER_ZSTD : LAYER_GZIP;
    return true;
}

/* To where the words say. */
static bool deliver(struct context *context, const struct build_values *build,
                    struct assembly_plan *plan, json_t *results, struct error *err)
{
    owned(assembly) struct assembly assembly = {0};
    owned(store) struct store *both = store_union(layout_store(plan->workspace), plan->base);
    owned(shipment) struct shipment *ahead = NULL;

    if (!delivery_begin(context, both, &build->destinations, &ahead, err))
        return false;
    plan->ahead = ahead;
    if (!assembly_make(plan, &assembly, err))
        return error_wrap(err, "%s", plan->recipe->definition->image);
    for (size_t i = 0; i < build->destinations.count; i++)
        if (!delivery_send(context, &assembly, both, ahead, build->destinations.values[i],
                           results, err))
            return false;
    return true;
}

static bool assemble(struct context *context, const struct build_values *build,
                     const struct definition *definition, json_t *results, struct error *err)
{
    owned(location) struct location location = {0};
    owned(memory) char *base_name = NULL;
    owned(memory) char *base_image = NULL;
    struct platform_spec platforms[PLATFORMS_LIMIT];
    size_t platform_count;
    struct recipe recipe = {.definition = definition,
                            .supervisor_path = build->function.supervisor};
    struct layout *workspace;
    struct store *base;

    if (!choose_form(build, &recipe, err) ||
        !choose_platforms(build, definition, platforms, &platform_count, err) ||
        !location_parse(definition->image, &location, err) ||
        !use_login(context, build, &location, err) ||
        !context_created(context, &recipe.created, err) ||
        !context_workspace(context, &workspace, err) ||
        !context_image(context, &location, &base, &base_image, err))
        return false;
    if (location.kind == LOCATION_REGISTRY)
        base_name = reference_format(&location.reference);
    recipe.base_name = base_name;

    struct assembly_plan plan = {
        .recipe = &recipe,
        .base = base,
        .base_image = base_image,
        .platforms = platforms,
        .platform_count = platform_count,
        .workspace = workspace,
    };
    return build->push ? delivery_push(context, &plan, results, err)
                       : deliver(context, build, &plan, results, err);
}

static bool write_metadata(const char *path, const json_t *metadata, struct error *err)
{
    owned(memory) char *text = json_text(metadata);

    if (!file_write(path, 0644, text, strlen(text), err))
        return error_wrap(err, "--metadata-file");
    return true;
}

/* Everything that can be refused by its words alone. */
static bool check(const struct build_values *build, const struct definition_file *file,
                  struct error *err)
{
    if ((build->destinations.count > 0) == build->push)
        return error_set(err, ERROR_USAGE,
                         "say where the image goes: --to IMAGE, --to oci:FOLDER or --to "
                         "oci-archive:FILE, or else --push for the function's repository");
    if (build->push && build->compression && strcmp(build->compression, "zstd") == 0)
        return error_set(err, ERROR_USAGE, "--push is for Lambda, which takes gzip only");
    if (file->function_count != 1)
        return error_set(err, ERROR_USAGE, "'%.200s' has %zu functions; build makes one",
                         build->function.file, file->function_count);
    for (size_t i = 0; i < build->destinations.count; i++) {
        owned(location) struct location location = {0};
        if (!location_parse_destination(build->destinations.values[i], &location, err))
            return false;
    }
    return true;
}

static bool build_run(struct context *context, const void *values, const char **arguments,
                      struct error *err)
{
    const struct build_values *build = values;
    owned(definition_file) struct definition_file file = {0};
    json_owned json_t *metadata = json_pack("{s:[]}", "destinations");
    json_t *results = json_object_get(metadata, "destinations");
    (void)arguments;

    if (!function_options_read(&build->function, !build->push, context, &file, err) ||
        !check(build, &file, err) ||
        !assemble(context, build, &file.functions[0], results, err) ||
        (build->metadata_file && !write_metadata(build->metadata_file, metadata, err)))
        return error_wrap(err, "build");
    if (context_globals(context)->json)
        describe_print_json(take(&metadata), stdout);
    return true;
}

const struct command build_command = {
    .name = "build",
    .summary = "assemble the image only, and put it where you say",
    .description =
        "Makes the function's image and writes it to registries, folders or archives; no "
        "function is\n"
        "created. More than one platform gives an index: the tag names the index, each image "
        "is\n"
        "reached by its digest. The same inputs give the same digests everywhere. --username "
        "is\n"
        "for the registry the image goes to, or for its base's where it goes to folders only.\n"
        "--push is for those who deploy with other tools: it takes AWS's credentials, makes "
        "the\n"
        "function's repository where there is none and says the image by digest; see: skiff "
        "export.",
    .examples =
        "skiff build -i alpine:3.20 -s hello.sh --to oci:hello\n"
        "skiff build -f function.yaml --platform linux/amd64,linux/arm64 \\\n"
        "    --to registry.example/team/hello:1.0 --metadata-file digests.json\n"
        "skiff build -f function.yaml --push --metadata-file digests.json\n"
        "skiff build -i alpine:3.20 -s hello.sh --copy models:/opt/models --to oci:hello",
    .options = build_options,
    .values_size = sizeof(struct build_values),
    .run = build_run,
};
