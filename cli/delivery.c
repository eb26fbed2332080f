/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/delivery.h"

#include "cli/describe.h"
#include "oci/base/memory.h"
#include "oci/copy.h"

static json_t *describe_assembly(const struct assembly *assembly)
{
    json_t *json = json_object();
    json_t *manifests = json_array();

    if (assembly->index.bytes)
        json_object_set_new(json, "index", descriptor_write(&assembly->index.descriptor));
    for (size_t i = 0; i < assembly->image_count; i++)
        json_array_append_new(manifests, describe_image(assembly->images[i]));
    json_object_set_new(json, "manifests", manifests);
    return json;
}

bool delivery_begin(struct context *context, struct store *from,
                    const struct option_list *destinations, struct shipment **out,
                    struct error *err)
{
    *out = NULL;
    for (size_t i = 0; i < destinations->count && !*out; i++) {
        owned(location) struct location location = {0};
        struct store *to;
        if (!location_parse_destination(destinations->values[i], &location, err))
            return false;
        /* Others would be made by being opened, too early. */
        if (location.kind != LOCATION_REGISTRY)
            continue;
        if (!context_store(context, &location, true, &to, err))
            return false;
        *out = shipment_new(from, to, context_progress(context));
    }
    return true;
}

bool delivery_send(struct context *context, const struct assembly *assembly, struct store *from,
                   struct shipment *ahead, const char *destination, json_t *results,
                   struct error *err)
{
    owned(location) struct location location = {0};
    struct store *to;
    struct copy_options options = {.progress = context_progress(context)};
    struct copy_summary summary;
    struct digest_text digest = digest_format(&assembly_top(assembly)->digest);

    if (!location_parse_destination(destination, &location, err) ||
        !context_store(context, &location, true, &to, err))
        return error_wrap(err, "%s", destination);
    if (ahead && shipment_leads_to(ahead, to))
        options.shipment = ahead;
    if (!image_copy(from, digest.text, to, location_name(&location), &options, &summary, err))
        return error_wrap(err, "%s", destination);

    owned(memory) char *reference = location_format(&location);
    json_t *result = describe_assembly(assembly);
    json_object_set_new(result, "reference", json_string(reference));
    json_object_set_new(result, "digest", json_string(digest.text));
    json_array_append_new(results, result);
    progress_step(context_progress(context), "%s: %s", reference, digest.text);
    return true;
}
