/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a definition and a base image to the function's image.
 *
 * Two layers go on top of the base. The first is the supervisor alone, so that
 * every function of one version of skiff shares it; the last is what the
 * function is: /var/task/function_config.yaml (JSON, which is YAML) and the init
 * script. Between them each folder the definition copies has a layer, so that a
 * changed script does not send them again. The config runs the supervisor with the base's own
 * entrypoint and command as its arguments, so nothing of the base is lost.
 */

#include <time.h>

#include "lambda/definition.h"
#include "layers/layer_writer.h"
#include "oci/image.h"
#include "oci/layout.h"

/* What the history says of our layers: this, the version, and which one it is. */
#define RECIPE_ORIGIN "skiff "
#define RECIPE_FUNCTION_ORIGIN ": function"

enum { RECIPE_LAYERS_LIMIT = COPIES_LIMIT + 2 };

struct recipe {
    const struct definition *definition;
    const char *base_name;       /* full reference; NULL: the image does not say */
    const char *supervisor_path; /* a program of the user's; NULL: the one inside skiff */
    time_t created;              /* for every time stamp */
    enum layer_compression compression;
    enum image_format format;
};

/* The layers of one platform's function. Only the supervisor differs between platforms. */
struct recipe_parts {
    struct layer supervisor;
    struct layer copied[COPIES_LIMIT]; /* the definition's copies */
    struct layer function;
};

/* Each part is written into `workspace` by itself, and needs no base to be known. */

/** ERROR_NOT_FOUND when there is no supervisor for the platform. */
bool recipe_write_supervisor(const struct recipe *recipe, const struct platform_spec *platform,
                             struct layout *workspace, struct layer *out,
                             struct error *err) MUST_CHECK;

/** The error names the copy. */
bool recipe_write_copy(const struct recipe *recipe, size_t copy, struct layout *workspace,
                       struct layer *out, struct error *err) MUST_CHECK;

/** ERROR_NOT_FOUND when the script is missing. */
bool recipe_write_function(const struct recipe *recipe, struct layout *workspace,
                           struct layer *out, struct error *err) MUST_CHECK;

/** Makes the image for the platform of `base` from its parts, the new documents in `workspace`.
 *  Equal inputs give equal digests. */
bool recipe_make(const struct recipe *recipe, const struct recipe_parts *parts,
                 const struct image *base, struct layout *workspace, struct image **out,
                 struct error *err) MUST_CHECK;

/* A function's layers, and what the image around them says. */
struct recipe_layers {
    struct image_addition additions[RECIPE_LAYERS_LIMIT]; /* lowest first */
    size_t count;
    const json_t *variables; /* the script's: object of strings */
    const char *base_name;
    time_t created;
    enum image_format format;
};

/** Puts the layers on the base and has the supervisor run what the base ran. */
bool recipe_put_on(const struct recipe_layers *layers, const struct image *base,
                   struct layout *workspace, struct image **out, struct error *err) MUST_CHECK;
