/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a definition to a function that answers.
 *
 * Whatever can be refused is refused before the first byte is pushed, and the
 * function is made last: an `init` that stopped anywhere is simply run again.
 */

#include "lambda/platform.h"
#include "lambda/recipe.h"
#include "oci/base/progress.h"

/* What a deployment works with; all borrowed. */
struct deploy_tools {
    struct platform *platform;
    struct store *base;     /* where the base image is */
    const char *base_image; /* its tag or digest there */
    struct recipe recipe;
    struct layout *workspace;
    struct progress *progress;
};

/* All owned. */
struct deployed {
    char *arn;       /* what the platform calls the function */
    char *image_uri; /* by digest */
};

/** Makes the image, pushes it, creates the function and waits until it is active.
 *  ERROR_CONFLICT, before anything is written, when the function exists. */
bool deploy_function(const struct deploy_tools *tools, struct deployed *out,
                     struct error *err) MUST_CHECK;

void deployed_release(struct deployed *deployed);

static inline void deployed_cleanup(struct deployed *deployed)
{
    deployed_release(deployed);
}
