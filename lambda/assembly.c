/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/assembly.h"

#include "layers/layers_compress.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/work.h"
#include "oci/manifest.h"

/* Writes the index over the images, and puts it beside them. */
static bool make_index(struct assembly *assembly, struct layout *workspace, struct error *err)
{
    struct index_entry entries[PLATFORMS_LIMIT] = {0};

    for (size_t i = 0; i < assembly->image_count; i++) {
        entries[i].descriptor = image_document(assembly->images[i])->descriptor;
        entries[i].platform = *image_platform(assembly->images[i]);
    }
    return index_write(entries, assembly->image_count, &assembly->index, err) &&
           store_put_manifest(layout_store(workspace), NULL, &assembly->index, err);
}

bool assembly_of(struct assembly *images, struct layout *workspace, struct assembly *out,
                 struct error *err)
{
    document_release(&images->index);
    if (images->image_count > 1 && !make_index(images, workspace, err))
        return false;
    *out = *images;
    *images = (struct assembly){0};
    return true;
}

/* --- making --------------------------------------------------------------------------------
 */

struct making {
    const struct assembly_plan *plan;
    struct shipment *ahead;
    struct document top; /* what the base's name stands for */
    struct assembly bases;
    struct recipe_parts parts[PLATFORMS_LIMIT];
    struct recipe_copied copied; /* the same for all of them */
    bool has_bases;
    bool has_layers;
    struct error base_error;
    struct error layers_error;
};

static void making_cleanup(struct making *making)
{
    document_release(&making->top);
    assembly_release(&making->bases);
}

/* A blob that cannot go is refused, with its reason, when the image is made or copied. */
static void send_ahead(struct making *making, const struct descriptor *blob)
{
    struct error ignored;

    if (making->ahead && !shipment_add(making->ahead, blob, &ignored))
        return;
}

static void send_layers_ahead(struct making *making, const struct document *document)
{
    owned(memory) struct descriptor *layers = NULL;
    struct descriptor config;
    size_t count;
    struct error ignored;

    if (!media_type_is_manifest(document->descriptor.media_type) ||
        !manifest_read(document, &config, &layers, &count, &ignored))
        return;
    for (size_t i = 0; i < count; i++)
        send_ahead(making, &layers[i]);
}

static bool open_base(void *context, struct work *work, size_t piece, struct error *err)
{
    struct making *making = context;
    const struct assembly_plan *plan = making->plan;
    const struct platform_spec *platform = &plan->platforms[piece];
    owned(document) struct document document = {0};
    (void)work;

    if (!image_find_in(plan->base, &making->top, platform, &document, err))
        return false;
    send_layers_ahead(making, &document);
    return image_read(plan->base, &document, platform, &making->bases.images[piece], err);
}

static bool open_bases(struct making *making, struct error *err)
{
    const struct assembly_plan *plan = making->plan;

    return store_resolve(plan->base, plan->base_image, &making->top, err) &&
           work_run(plan->platform_count, plan->platform_count, open_base, making, err);
}

static bool write_own_layers(struct making *making, struct error *err)
{
    const struct assembly_plan *plan = making->plan;
    struct layer *function = &making->parts[0].function;

    if (!recipe_write_function(plan->recipe, plan->workspace, function, err))
        return false;
    send_ahead(making, &function->blob);
    for (size_t i = 0; i < plan->platform_count; i++) {
        struct recipe_parts *parts = &making->parts[i];
        parts->function = *function;
        if (!recipe_has_supervisor(plan->recipe))
            continue;
        if (!recipe_write_supervisor(plan->recipe, &plan->platforms[i], plan->workspace,
                                     &parts->supervisor, err))
            return false;
        send_ahead(making, &parts->supervisor.blob);
    }
    return true;
}

/* Never fails, or who of the two is told of would be a matter of luck. */
static bool read_or_write(void *context, struct work *work, size_t piece, struct error *err)
{
    struct making *making = context;
    (void)work, (void)err;

    if (piece == 0)
        making->has_bases = open_bases(making, &making->base_error);
    else
        making->has_layers = write_own_layers(making, &making->layers_error);
    return true;
}

static bool read_and_write(struct making *making, struct error *err)
{
    if (!work_run(2, 2, read_or_write, making, err))
        return false;
    if (!making->has_bases)
        *err = making->base_error;
    else if (!making->has_layers)
        *err = making->layers_error;
    return making->has_bases && making->has_layers;
}

static bool has_zstd(const struct assembly *images)
{
    for (size_t i = 0; i < images->image_count; i++)
        for (size_t j = 0; j < image_layer_count(images->images[i]); j++)
            if (image_layer(images->images[i], j)->blob.media_type == MEDIA_TYPE_OCI_LAYER_ZSTD)
                return true;
    return false;
}

/* Bases are often laid out for people, which what is made of them is not. */
static bool check_manifest(const struct image *image, struct error *err)
{
    owned(memory) char *text = json_text(image_manifest(image));
    size_t size = strlen(text);

    if (size >= LAMBDA_MANIFEST_LIMIT)
        return error_set(err, ERROR_LIMIT,
                         "its manifest has %zu bytes, Lambda takes less than %d: fewer layers "
                         "or annotations in the base image help",
                         size, LAMBDA_MANIFEST_LIMIT);
    return true;
}

bool assembly_check_manifests(const struct assembly *assembly, struct error *err)
{
    for (size_t i = 0; i < assembly->image_count; i++)
        if (!check_manifest(assembly->images[i], err))
            return false;
    return true;
}

/* Everything known by now that has not been sent. What is going to be recompressed may still
 * turn out not to be what it says. */
static bool begin_sending(struct making *making, struct error *err)
{
    const struct assembly_plan *plan = making->plan;

    if (plan->is_for_lambda && !assembly_check_manifests(&making->bases, err))
        return false;
    if (!plan->on_certain || (plan->is_for_lambda && has_zstd(&making->bases)))
        return true;
    if (!plan->on_certain(plan->context, &making->ahead, err))
        return false;
    for (size_t i = 0; i < plan->platform_count; i++) {
        send_layers_ahead(making, image_document(making->bases.images[i]));
        if (recipe_has_supervisor(plan->recipe))
            send_ahead(making, &making->parts[i].supervisor.blob);
        send_ahead(making, &making->parts[i].function.blob);
    }
    return true;
}

static void send_layer_ahead(void *context, const struct layer *layer)
{
    send_ahead(context, &layer->blob);
}

/* Those of the definition's copies may be large: what is small is on its way by now. */
static bool write_copies(struct making *making, struct error *err)
{
    const struct assembly_plan *plan = making->plan;

    for (size_t i = 0; i < plan->platform_count; i++)
        making->parts[i].copied = &making->copied;
    return recipe_write_copies(plan->recipe, plan->workspace, send_layer_ahead, making,
                               &making->copied, err);
}

bool assembly_make(const struct assembly_plan *plan, struct assembly *out, struct error *err)
{
    owned(making) struct making making = {.plan = plan, .ahead = plan->ahead};
    owned(assembly) struct assembly made = {0};

    making.bases.image_count = plan->platform_count;
    for (size_t i = 0; plan->ahead && i < plan->platform_count; i++)
        shipment_expect_config(plan->ahead);
    if (!read_and_write(&making, err) || !begin_sending(&making, err) ||
        !write_copies(&making, err))
        return false;
    for (; made.image_count < plan->platform_count; made.image_count++) {
        struct image **image = &made.images[made.image_count];
        if (!recipe_make(plan->recipe, &making.parts[made.image_count],
                         making.bases.images[made.image_count], plan->workspace, image, err))
            return false;
        send_ahead(&making, image_config_descriptor(*image));
    }
    return assembly_of(&made, plan->workspace, out, err);
}

/* --- recompressing -------------------------------------------------------------------------
 */

/* Tells which layers are in zstd, and whether any is. */
static bool tell_zstd(const struct image *image, struct progress *progress)
{
    bool found = false;

    for (size_t i = 0; i < image_layer_count(image); i++) {
        const struct descriptor *blob = &image_layer(image, i)->blob;
        if (blob->media_type != MEDIA_TYPE_OCI_LAYER_ZSTD)
            continue;
        progress_step(progress, "layer %s is recompressed: Lambda takes gzip, and it is zstd",
                      digest_format_short(&blob->digest).text);
        found = true;
    }
    return found;
}

static bool use_gzip(struct image **image, struct store *base, struct layout *workspace,
                     struct progress *progress, struct error *err)
{
    owned(store) struct store *both = store_union(layout_store(workspace), base);
    struct image *compressed;

    if (!tell_zstd(*image, progress))
        return true;
    if (!layers_compress(both, *image, workspace, progress, &compressed, err))
        return false;
    image_free(*image);
    *image = compressed;
    return true;
}

bool assembly_use_gzip(struct assembly *assembly, struct store *base, struct layout *workspace,
                       struct progress *progress, struct error *err)
{
    for (size_t i = 0; i < assembly->image_count; i++)
        if (!use_gzip(&assembly->images[i], base, workspace, progress, err))
            return false;
    struct assembly images = *assembly;
    *assembly = (struct assembly){0};
    if (assembly_of(&images, workspace, assembly, err))
        return true;
    *assembly = images;
    return false;
}

const struct descriptor *assembly_top(const struct assembly *assembly)
{
    return assembly->index.bytes ? &assembly->index.descriptor
                                 : &image_document(assembly->images[0])->descriptor;
}

void assembly_release(struct assembly *assembly)
{
    for (size_t i = 0; i < assembly->image_count; i++)
        image_free(assembly->images[i]);
    document_release(&assembly->index);
    *assembly = (struct assembly){0};
}
