/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/delivery.h"

#include "cli/describe.h"
#include "lambda/push.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
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

/* --- to the function's repository ------------------------------------------------------------
 */

/* What a push is made with. */
struct pushing {
    struct platform *platform;
    const struct definition *definition;
    struct push push;
};

static inline void pushing_cleanup(struct pushing *pushing)
{
    push_release(&pushing->push);
}

static bool open_repository(struct pushing *pushing, struct error *err)
{
    return pushing->push.repository.store ||
           pushing->platform->ops->open_repository(pushing->platform, pushing->definition, true,
                                                   &pushing->push.repository, err);
}

static bool begin_push(void *context, struct shipment **ahead, struct error *err)
{
    struct pushing *pushing = context;

    if (!open_repository(pushing, err))
        return false;
    *ahead = push_begin(&pushing->push);
    return true;
}

static void tell_pushed(struct context *context, const struct assembly *assembly,
                        const struct push *push, json_t *results)
{
    struct digest_text digest = digest_format(&push->runs);
    owned(memory) char *reference = text_format("%s@%s", push->repository.uri, digest.text);
    json_t *result = describe_assembly(assembly);

    json_object_set_new(result, "reference", json_string(reference));
    json_object_set_new(result, "digest", json_string(digest.text));
    json_array_append_new(results, result);
    progress_step(context_progress(context), "%s", reference);
}

bool delivery_push(struct context *context, struct assembly_plan *plan, json_t *results,
                   struct error *err)
{
    const struct definition *definition = plan->recipe->definition;
    struct progress *progress = context_progress(context);
    owned(assembly) struct assembly assembly = {0};
    owned(store) struct store *both = store_union(layout_store(plan->workspace), plan->base);
    owned(pushing) struct pushing pushing = {
        .definition = definition,
        .push = {.from = both, .progress = progress},
    };

    if (!context_platform(context, definition->region, &pushing.platform, err))
        return false;
    if (pushing.platform->ops->is_local)
        return error_set(err, ERROR_USAGE,
                         "--push is for ECR; this machine keeps images with their functions "
                         "only: skiff --local deploy");
    plan->is_for_lambda = true;
    plan->on_certain = begin_push;
    plan->context = &pushing;
    if (!assembly_make(plan, &assembly, err) ||
        !assembly_use_gzip(&assembly, plan->base, plan->workspace, progress, err) ||
        !assembly_check_manifests(&assembly, err))
        return error_wrap(err, "%s", definition->image);
    pushing.push.top = assembly_top(&assembly)->digest;
    pushing.push.runs = image_document(assembly.images[0])->descriptor.digest;
    if (!open_repository(&pushing, err) || !push_send(&pushing.push, err))
        return false;
    tell_pushed(context, &assembly, &pushing.push, results);
    return true;
}
