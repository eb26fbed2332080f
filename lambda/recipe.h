/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a definition and a base image to the function's image.
 *
 * Two layers go on top of the base. The first is the supervisor alone, so that
 * every function of one version of skiff shares it; the last is what the
 * function is: /var/task/function_config.yaml (JSON, which is YAML) and the init
 * script. Between them each folder the definition copies has a layer, so that a
 * changed script does not send them again, and a large one several, so that a changed file does
 * not send all of it again. The config runs the supervisor with the base's own
 * entrypoint and command as its arguments, so nothing of the base is lost.
 *
 * A definition whose supervisor.mode is none is for bases that ask Lambda for events
 * themselves: there is no supervisor, and what the base runs and where stays as it is.
 */

#include <assert.h>
#include <time.h>

#include "lambda/definition.h"
#include "layers/layer_writer.h"
#include "oci/image.h"
#include "oci/layout.h"

/* What the history says of our layers: this, the version, and which one it is. */
#define RECIPE_ORIGIN "skiff "
#define RECIPE_FUNCTION_ORIGIN ": function"

/* With those of the base they must stay below 127, where overlay file systems end. */
enum { RECIPE_COPIED_LIMIT = 80, RECIPE_LAYERS_LIMIT = RECIPE_COPIED_LIMIT + 2 };

static_assert((int)COPIES_LIMIT <= (int)RECIPE_COPIED_LIMIT, "each copy has a layer");

struct recipe {
    const struct definition *definition;
    const char *base_name;       /* full reference; NULL: the image does not say */
    const char *supervisor_path; /* a program of the user's; NULL: the one inside skiff */
    time_t created;              /* for every time stamp */
    enum layer_compression compression;
    enum image_format format;
};

/* The layers of the definition's copies, lowest first. */
struct recipe_copied {
    struct layer layers[RECIPE_COPIED_LIMIT];
    const char *paths[RECIPE_COPIED_LIMIT]; /* where each copy goes; the definition's */
    size_t count;
};

/* The layers of one platform's function. Only the supervisor differs between platforms. */
struct recipe_parts {
    struct layer supervisor; /* unused where there is none */
    const struct recipe_copied *copied;
    struct layer function;
};

/* Each part is written into `workspace` by itself, and needs no base to be known. */

bool recipe_has_supervisor(const struct recipe *recipe);

/** ERROR_NOT_FOUND when there is no supervisor for the platform. */
bool recipe_write_supervisor(const struct recipe *recipe, const struct platform_spec *platform,
                             struct layout *workspace, struct layer *out,
                             struct error *err) MUST_CHECK;

/* Learns of a layer that is in the workspace. */
typedef void recipe_layer_function(void *context, const struct layer *layer);

/** Writes all copies, a large one in several layers (tree_take_part), and tells of each layer
 * at once. `out` is empty. The error names the copy. */
bool recipe_write_copies(const struct recipe *recipe, struct layout *workspace,
                         recipe_layer_function *tell, void *context, struct recipe_copied *out,
                         struct error *err) MUST_CHECK;

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
    bool has_supervisor;     /* among them; if not, the base's own command is kept */
    const char *base_name;
    time_t created;
    enum image_format format;
};

/** Puts the layers on the base and has the supervisor, if there is one, run what the base ran.
 *  ERROR_INVALID when there is none and the base starts one. */
bool recipe_put_on(const struct recipe_layers *layers, const struct image *base,
                   struct layout *workspace, struct image **out, struct error *err) MUST_CHECK;
