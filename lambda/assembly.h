/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The function's image for every platform asked for, under one name.
 *
 * One platform gives a plain image, more give an index over them. Everything
 * new is in the workspace; what comes from the base is still where it was, so
 * the two are copied on as one store: store_union(workspace, base).
 */

#include "lambda/recipe.h"
#include "oci/base/progress.h"
#include "oci/index.h"

/* All owned. */
struct assembly {
    struct image *images[PLATFORMS_LIMIT]; /* in the order asked for */
    size_t image_count;
    struct document index; /* empty with one image */
};

/** Makes the image of `base_image`, a tag or digest in `base`, for each platform.
 *  ERROR_NOT_FOUND lists the platforms the base has. */
bool assembly_make(const struct recipe *recipe, struct store *base, const char *base_image,
                   const struct platform_spec *platforms, size_t count,
                   struct layout *workspace, struct assembly *out,
                   struct error *err) MUST_CHECK;

/** Makes an assembly of finished images, which it takes over: with more than one, the index. */
bool assembly_of(struct assembly *images, struct layout *workspace, struct assembly *out,
                 struct error *err) MUST_CHECK;

/** Recompresses what is compressed with zstd, which Lambda does not take, with gzip: diff ids
 * and configs stay. The new blobs are in the workspace; what is done is told. */
bool assembly_use_gzip(struct assembly *assembly, struct store *base, struct layout *workspace,
                       struct progress *progress, struct error *err) MUST_CHECK;

/** What a tag is to name: the index, or the only image. Borrowed. */
const struct descriptor *assembly_top(const struct assembly *assembly);

void assembly_release(struct assembly *assembly);

static inline void assembly_cleanup(struct assembly *assembly)
{
    assembly_release(assembly);
}
