/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deploy_setup.h"

#include <stdlib.h>

bool deploy_setup_open(struct context *context, const struct definition *definition,
                       const char *supervisor, struct deploy_setup *out, struct error *err)
{
    struct deploy_tools *tools = &out->tools;

    *out = (struct deploy_setup){.tools.progress = context_progress(context)};
    if (!location_parse(definition->image, &out->base, err) ||
        !context_created(context, &tools->recipe.created, err) ||
        !context_platform(context, definition->region, &tools->platform, err) ||
        !context_workspace(context, &tools->workspace, err) ||
        !context_image(context, &out->base, &tools->base, &out->base_image, err))
        return false;
    if (out->base.kind == LOCATION_REGISTRY)
        out->base_name = reference_format(&out->base.reference);
    tools->base_image = out->base_image;
    tools->recipe.definition = definition;
    tools->recipe.base_name = out->base_name;
    tools->recipe.supervisor_path = supervisor;
    return true;
}

void deploy_setup_release(struct deploy_setup *setup)
{
    location_release(&setup->base);
    free(setup->base_name);
    free(setup->base_image);
    *setup = (struct deploy_setup){0};
}
