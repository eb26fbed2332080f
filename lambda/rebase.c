/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/rebase.h"

#include <string.h>

#include "layers/unpack.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/index.h"

enum { CONFIG_LIMIT = 1024 * 1024 }; /* bytes of function_config.yaml */

static const char CONFIG[] = "var/task/function_config.yaml";

/* --- the function's own layers --- */

static bool is_ours(const char *origin)
{
    return strncmp(origin, RECIPE_ORIGIN, strlen(RECIPE_ORIGIN)) == 0;
}

static bool is_function(const char *origin)
{
    size_t length = strlen(origin);
    size_t end = strlen(RECIPE_FUNCTION_ORIGIN);

    return length >= end && strcmp(origin + length - end, RECIPE_FUNCTION_ORIGIN) == 0;
}

static bool read_config(struct store *from, const struct layer *layer, json_t **out,
                        struct error *err)
{
    owned(source) struct source *bytes = NULL;
    owned(memory) char *text = NULL;
    size_t count;

    return store_open_blob(from, &layer->blob, &bytes, err) &&
           unpack_file(bytes, CONFIG, CONFIG_LIMIT, &text, &count, err) &&
           (json_parse(text, count, out, err) || error_wrap(err, "/%s", CONFIG));
}

/* What its definition said: the variables are added to those of the layers. */
static bool recall_definition(struct store *from, const struct layer *layer, json_t *variables,
                              struct recipe_layers *layers, struct error *err)
{
    json_owned json_t *config = NULL;
    const char *name;
    json_t *value;

    if (!read_config(from, layer, &config, err))
        return error_wrap(err, "layer %s", digest_format(&layer->blob.digest).text);
    const char *mode = json_optional_string(json_object_get(config, "supervisor"), "mode");
    layers->has_supervisor = !mode || strcmp(mode, "none") != 0;
    const json_t *environment = json_object_get(
        json_object_get(json_object_get(config, "container"), "environment"), "Variables");
    json_object_foreach((json_t *)environment, name, value)
    {
        if (!json_is_string(value))
            return error_set(err, ERROR_INVALID, "layer %s: /%s: variable '%.80s' is no text",
                             digest_format(&layer->blob.digest).text, CONFIG, name);
        json_object_set(variables, name, value);
    }
    return true;
}

/* Our layers are the uppermost, and one of them is a function. */
static bool find_layers(const struct rebase *rebase, const struct image *image,
                        struct recipe_layers *layers, json_t *variables, struct error *err)
{
    size_t end = image_layer_count(image);
    size_t first = end;
    bool found = false;

    while (first > 0 && is_ours(image_layer_origin(image, first - 1)))
        first--;
    if (end - first > RECIPE_LAYERS_LIMIT)
        return error_set(err, ERROR_LIMIT, "%zu layers of skiff's, more than %d", end - first,
                         RECIPE_LAYERS_LIMIT);
    for (size_t i = first; i < end; i++) {
        const char *origin = image_layer_origin(image, i);
        layers->additions[layers->count++] =
            (struct image_addition){*image_layer(image, i), origin};
        if (!is_function(origin))
            continue;
        found = true;
        if (!recall_definition(rebase->from, image_layer(image, i), variables, layers, err))
            return false;
    }
    if (!found)
        return error_set(
            err, ERROR_INVALID,
            "its uppermost layer is not a function of skiff's, so there is nothing "
            "to put on another base");
    return true;
}

static bool rebase_image(const struct rebase *rebase, const struct image *image,
                         struct layout *workspace, struct image **out, struct error *err)
{
    owned(image) struct image *base = NULL;
    json_owned json_t *variables = json_object();
    bool is_docker = image_document(image)->descriptor.media_type == MEDIA_TYPE_DOCKER_MANIFEST;
    struct recipe_layers layers = {
        .variables = variables,
        .base_name = rebase->base_name,
        .created = rebase->created,
        .format = is_docker ? IMAGE_FORMAT_DOCKER : IMAGE_FORMAT_OCI,
    };

    if (!find_layers(rebase, image, &layers, variables, err))
        return false;
    if (!image_open(rebase->base, rebase->base_image, image_platform(image), &base, err))
        return error_wrap(err, "base");
    return recipe_put_on(&layers, base, workspace, out, err);
}

/* --- all platforms --- */

static bool add_image(const struct rebase *rebase, const struct digest *digest,
                      struct layout *workspace, struct assembly *made, struct error *err)
{
    owned(image) struct image *image = NULL;

    if (made->image_count == PLATFORMS_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d platforms", PLATFORMS_LIMIT);
    if (!image_open(rebase->from, digest_format(digest).text, NULL, &image, err))
        return false;
    if (!rebase_image(rebase, image, workspace, &made->images[made->image_count], err))
        return error_wrap(err, "%s", platform_spec_format(image_platform(image)).text);
    made->image_count++;
    return true;
}

static bool add_images(const struct rebase *rebase, const struct document *top,
                       struct layout *workspace, struct assembly *made, struct error *err)
{
    owned(memory) struct index_entry *entries = NULL;
    size_t count;

    if (!media_type_is_index(top->descriptor.media_type))
        return add_image(rebase, &top->descriptor.digest, workspace, made, err);
    if (!index_read(top, &entries, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!entries[i].is_attestation &&
            !add_image(rebase, &entries[i].descriptor.digest, workspace, made, err))
            return false;
    if (made->image_count == 0)
        return error_set(err, ERROR_INVALID, "the index has no image in it");
    return true;
}

bool rebase_make(const struct rebase *rebase, struct layout *workspace, struct assembly *out,
                 struct error *err)
{
    owned(document) struct document top = {0};
    owned(assembly) struct assembly made = {0};

    return store_resolve(rebase->from, rebase->from_name, &top, err) &&
           add_images(rebase, &top, workspace, &made, err) &&
           assembly_of(&made, workspace, out, err);
}
