/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Everything that lambda/deploy.h works with, opened for one function: the platform, the
 * workspace and the base image.
 */

#include "cli/context.h"
#include "lambda/deploy.h"

struct deploy_setup {
    struct deploy_tools tools; /* borrows the rest, and what the context has opened */
    struct location base;
    char *base_name;
    char *base_image;
};

/** Opens it for the definition, which must outlive it. `supervisor` is a file, or NULL for the
 *  one inside. `out` must stay where it is. */
bool deploy_setup_open(struct context *context, const struct definition *definition,
                       const char *supervisor, struct deploy_setup *out,
                       struct error *err) MUST_CHECK;
void deploy_setup_release(struct deploy_setup *setup);

static inline void deploy_setup_cleanup(struct deploy_setup *setup)
{
    deploy_setup_release(setup);
}
