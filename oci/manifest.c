/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/manifest.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"

/* Old Docker's configs, which registries still hold. */
static const char UNNAMED[] = "application/octet-stream";

const char *manifest_artifact_type(const json_t *manifest)
{
    const json_t *config = json_object_get(manifest, "config");
    const char *type = json_optional_string(manifest, "artifactType");
    const char *config_type = json_optional_string(config, "mediaType");

    if (!config_type || strcmp(config_type, UNNAMED) == 0 ||
        media_type_is_config(media_type_parse(config_type)))
        return NULL;
    return type ? type : config_type;
}

bool manifest_read(const struct document *document, struct descriptor *config,
                   struct descriptor **layers, size_t *count, struct error *err)
{
    json_owned json_t *manifest = NULL;
    json_t *config_json;
    json_t *layers_json;

    if (!document_parse(document, &manifest, err) ||
        !json_field_object(manifest, "config", &config_json, err) ||
        !json_field_array(manifest, "layers", &layers_json, err))
        return false;

    size_t found = json_array_size(layers_json);
    owned(memory) struct descriptor *list = memory_new(found, sizeof *list);
    for (size_t i = 0; i < found; i++)
        if (!descriptor_read(json_array_get(layers_json, i), &list[i], err))
            return error_wrap(err, "layer %zu", i + 1);
    if (!descriptor_read(config_json, config, err))
        return false;
    *layers = take(&list);
    *count = found;
    return true;
}
