/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a definition to a function that answers.
 *
 * Whatever can be refused is refused before the first byte is pushed, and the
 * function is made or changed last: what stopped anywhere is simply run again.
 * Asking the platform and making the image go on at the same time.
 */

#include "lambda/platform.h"
#include "lambda/recipe.h"
#include "oci/base/progress.h"

enum deploy_mode {
    DEPLOY_NEW,    /* ERROR_CONFLICT when the function exists */
    DEPLOY_CHANGE, /* ERROR_NOT_FOUND when it does not */
    DEPLOY_EITHER,
};

/* What a deployment works with; all borrowed. */
struct deploy_tools {
    struct platform *platform;
    struct store *base;     /* where the base image is */
    const char *base_image; /* its tag or digest there */
    struct recipe recipe;
    struct layout *workspace;
    struct progress *progress;
    enum deploy_mode mode;
    struct environment_change environment; /* of a function that is there */
    int wait_s;                            /* until it is active; 0: the usual */
    bool rollback;                         /* what was done before a failure is undone */
};

/* All owned. */
struct deployed {
    char *arn;       /* what the platform calls the function */
    char *image_uri; /* by digest */
};

/** Makes the image, pushes it, creates or changes the function and waits until it is active.
 *  What is equal already is left alone. The error says what is there now and how to go on. */
bool deploy_function(const struct deploy_tools *tools, struct deployed *out,
                     struct error *err) MUST_CHECK;

/** Finds the image that the definition makes in the platform's repository, or the prepared one,
 *  and writes nothing but the workspace. `*image_uri`, by digest, is the caller's to free().
 *  ERROR_NOT_FOUND when nobody has pushed this image. */
bool deploy_find_image(const struct deploy_tools *tools, char **image_uri,
                       struct error *err) MUST_CHECK;

/** Says what deploy_function() would do, and writes nothing but the workspace. `*plan` is the
 *  caller's to json_decref():
 *
 *     {"FunctionName": …, "Exists": …, "ImageUri": … or null, "Repository": …,
 *      "Upload": [{"digest": …, "size": …, "is": "layer"}, …], "UploadBytes": …, "Calls": […]}
 */
bool deploy_plan(const struct deploy_tools *tools, json_t **plan, struct error *err) MUST_CHECK;

void deployed_release(struct deployed *deployed);

static inline void deployed_cleanup(struct deployed *deployed)
{
    deployed_release(deployed);
}
