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
#include "oci/shipment.h"

enum { LAMBDA_MANIFEST_LIMIT = 25400 }; /* bytes, and a manifest has fewer */

/* All owned. */
struct assembly {
    struct image *images[PLATFORMS_LIMIT]; /* in the order asked for */
    size_t image_count;
    struct document index; /* empty with one image */
};

/* What is to be made, and of what. All borrowed. */
struct assembly_plan {
    const struct recipe *recipe;
    struct store *base;
    const char *base_image; /* its tag or digest there */
    const struct platform_spec *platforms;
    size_t platform_count;
    struct layout *workspace;

    /* Gets each blob as soon as it is known to belong to the result; NULL for nobody. It leads
     * from workspace and base to where the image is going to be. */
    struct shipment *ahead;
    /* Called when little can be refused any more: the base has every platform, the function's
     * own layers are made. May open `ahead`, and may be NULL. */
    bool (*on_certain)(void *context, struct shipment **ahead, struct error *err);
    void *context;
    /* Lambda takes gzip only, and over zstd nothing is certain yet; and only so many layers
     * that their manifest is small. */
    bool is_for_lambda;
};

/** Makes the image for each platform: the base is read while the new layers are written.
 *  ERROR_NOT_FOUND lists the platforms the base has. */
bool assembly_make(const struct assembly_plan *plan, struct assembly *out,
                   struct error *err) MUST_CHECK;

/** Makes an assembly of finished images, which it takes over: with more than one, the index. */
bool assembly_of(struct assembly *images, struct layout *workspace, struct assembly *out,
                 struct error *err) MUST_CHECK;

/** Recompresses what is compressed with zstd, which Lambda does not take, with gzip: diff ids
 * and configs stay. The new blobs are in the workspace; what is done is told. */
bool assembly_use_gzip(struct assembly *assembly, struct store *base, struct layout *workspace,
                       struct progress *progress, struct error *err) MUST_CHECK;

/** Whether Lambda takes manifests of this size. ERROR_LIMIT. */
bool assembly_check_manifests(const struct assembly *assembly, struct error *err) MUST_CHECK;

/** What a tag is to name: the index, or the only image. Borrowed. */
const struct descriptor *assembly_top(const struct assembly *assembly);

void assembly_release(struct assembly *assembly);

static inline void assembly_cleanup(struct assembly *assembly)
{
    assembly_release(assembly);
}
