/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/assembly.h"

#include "layers/layers_compress.h"
#include "oci/base/memory.h"

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

static bool open_bases(struct store *base, const char *base_image,
                       const struct platform_spec *platforms, size_t count,
                       struct assembly *out, struct error *err)
{
    for (; out->image_count < count; out->image_count++)
        if (!image_open(base, base_image, &platforms[out->image_count],
                        &out->images[out->image_count], err))
            return false;
    return true;
}

bool assembly_make(const struct recipe *recipe, struct store *base, const char *base_image,
                   const struct platform_spec *platforms, size_t count,
                   struct layout *workspace, struct assembly *out, struct error *err)
{
    owned(assembly) struct assembly bases = {0};
    owned(assembly) struct assembly made = {0};
    struct layer copied[COPIES_LIMIT];
    struct recipe complete = *recipe;

    complete.copied = copied;
    if (!open_bases(base, base_image, platforms, count, &bases, err) ||
        !recipe_write_copies(recipe, workspace, copied, err))
        return false;
    for (; made.image_count < count; made.image_count++)
        if (!recipe_make(&complete, bases.images[made.image_count], workspace,
                         &made.images[made.image_count], err))
            return false;
    return assembly_of(&made, workspace, out, err);
}

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
