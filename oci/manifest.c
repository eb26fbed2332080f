/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/manifest.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"

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
