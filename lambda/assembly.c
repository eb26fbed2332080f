/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/assembly.h"

#include "oci/base/memory.h"

static bool make_image(const struct recipe *recipe, struct store *base, const char *base_image,
                       const struct platform_spec *platform, struct layout *workspace,
                       struct image **out, struct error *err)
{
    owned(image) struct image *image = NULL;

    return image_open(base, base_image, platform, &image, err) &&
           recipe_make(recipe, image, workspace, out, err);
}

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

bool assembly_make(const struct recipe *recipe, struct store *base, const char *base_image,
                   const struct platform_spec *platforms, size_t count,
                   struct layout *workspace, struct assembly *out, struct error *err)
{
    owned(assembly) struct assembly made = {0};

    for (; made.image_count < count; made.image_count++)
        if (!make_image(recipe, base, base_image, &platforms[made.image_count], workspace,
                        &made.images[made.image_count], err))
            return false;
    if (count > 1 && !make_index(&made, workspace, err))
        return false;
    *out = made;
    made = (struct assembly){0};
    return true;
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
