/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a definition and a base image to the function's image.
 *
 * Two layers go on top of the base. The first is the supervisor alone, so that
 * every function of one version of skiff shares it; the second is what the
 * function is: /var/task/function_config.yaml (JSON, which is YAML) and the init
 * script. The config runs the supervisor with the base's own entrypoint and
 * command as its arguments, so nothing of the base is lost.
 */

#include <time.h>

#include "lambda/definition.h"
#include "oci/image.h"
#include "oci/layout.h"

struct recipe {
    const struct definition *definition;
    const char *base_name;       /* full reference; NULL: the image does not say */
    const char *supervisor_path; /* a program of the user's; NULL: the one inside skiff */
    time_t created;              /* for every time stamp */
};

/** Makes the image for the platform of `base`, its new blobs and documents in `workspace`.
 *  Equal inputs give equal digests. ERROR_NOT_FOUND when the script is missing or there is no
 *  supervisor for the platform. */
bool recipe_make(const struct recipe *recipe, const struct image *base,
                 struct layout *workspace, struct image **out, struct error *err) MUST_CHECK;
