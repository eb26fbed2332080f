/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/describe.h"

#include <stdlib.h>
#include <string.h>

#include "cli/size.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

json_t *describe_image(const struct image *image)
{
    struct platform_text text = platform_spec_format(image_platform(image));
    const char *platform = text.text;
    json_t *json = descriptor_write(&image_document(image)->descriptor);
    json_t *config = descriptor_write(image_config_descriptor(image));
    json_t *layers = json_array();

    json_object_set_new(json, "platform", json_string(platform));
    json_object_set_new(config, "platform", json_string(platform));
    for (size_t i = 0; i < image_layer_count(image); i++) {
        const struct layer *layer = image_layer(image, i);
        json_t *each = descriptor_write(&layer->blob);
        json_object_set_new(each, "platform", json_string(platform));
        json_object_set_new(each, "diffId", json_string(digest_format(&layer->diff_id).text));
        json_array_append_new(layers, each);
    }
    json_object_set_new(json, "config", config);
    json_object_set_new(json, "layers", layers);
    return json;
}

static void print_words(const char *label, const char **words, FILE *out)
{
    owned(memory) const char **list = words;

    if (!list[0])
        return;
    fprintf(out, "  %-11s", label);
    for (const char **word = list; *word; word++)
        fprintf(out, " %s", *word);
    fputc('\n', out);
}

static void print_environment(const struct image *image, FILE *out)
{
    owned(memory) const char **variables = image_environment(image);

    for (size_t i = 0; variables[i]; i++)
        fprintf(out, "  %-11s %s\n", i == 0 ? "environment" : "", variables[i]);
}

void describe_print_image(const struct image *image, FILE *out)
{
    const char *folder = image_working_directory(image);

    fprintf(out, "%s %s\n", platform_spec_format(image_platform(image)).text,
            digest_format(&image_document(image)->descriptor.digest).text);
    print_words("entrypoint", image_entrypoint(image), out);
    print_words("command", image_command(image), out);
    if (folder)
        fprintf(out, "  %-11s %s\n", "directory", folder);
    print_environment(image, out);
    for (size_t i = 0; i < image_layer_count(image); i++) {
        const struct descriptor *blob = &image_layer(image, i)->blob;
        fprintf(out, "  %-11s %s %8s  %.60s\n", i == 0 ? "layers" : "",
                digest_format_short(&blob->digest).text, size_format(blob->size).text,
                image_layer_origin(image, i));
    }
}

void describe_print_json(json_t *json, FILE *out)
{
    json_dumpf(json, out, JSON_INDENT(2) | JSON_SORT_KEYS);
    fputc('\n', out);
    json_decref(json);
}
