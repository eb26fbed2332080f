/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A function's image on a newer base, without its definition.
 *
 * The layers that skiff put on top, which the history tells, go onto the new
 * base as they are: not a byte of them is made again. What the image says
 * around them (what runs, PATH, the working directory) follows the new base as
 * the recipe would have it; the script's own variables are read from the
 * function_config.yaml in its layer.
 */

#include "lambda/assembly.h"

struct rebase {
    struct store *from; /* the function's image, of one platform or an index */
    const char *from_name;
    struct store *base;
    const char *base_image; /* a tag or digest in `base` */
    const char *base_name;  /* full reference; NULL: the image does not say */
    time_t created;
};

/** Makes the image for every platform it is there for. What is new is in the workspace, the
 * rest in `from` and `base`. ERROR_INVALID when it is no function's image, ERROR_NOT_FOUND when
 * the base is not there for one of the platforms. */
bool rebase_make(const struct rebase *rebase, struct layout *workspace, struct assembly *out,
                 struct error *err) MUST_CHECK;
