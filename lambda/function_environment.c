/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/function_environment.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* The config names the base image; in FDL it is the image made from it. */
static char *encode_fdl(const struct definition *definition, const char *image_uri)
{
    json_owned json_t *config = json_deep_copy(definition->config);
    json_t *container = json_object_get(config, "container");

    if (json_is_object(container))
        json_object_set_new(container, "image", json_string(image_uri));
    else
        json_object_set_new(config, "container", json_pack("{s:s}", "image", image_uri));
    if (!definition->delete_image)
        json_object_set_new(config, "ecr", json_pack("{s:b}", "delete_image", 0));

    /* The supervisor takes from here what the image does not tell everybody. */
    if (definition->storage_providers)
        json_object_set(config, "storage_providers", (json_t *)definition->storage_providers);

    owned(memory) char *text = json_text(config);
    return base64_encode(text, strlen(text));
}

json_t *function_environment(const struct definition *definition, const char *image_uri)
{
    owned(memory) char *fdl = encode_fdl(definition, image_uri);
    json_t *variables = json_object();

    if (definition->environment)
        json_object_update(variables, (json_t *)definition->environment);
    json_object_set_new(variables, "IMAGE_ID", json_string(image_uri));
    json_object_set_new(variables, "FDL", json_string(fdl));
    return variables;
}

bool function_environment_check(const char *function, const json_t *variables,
                                struct error *err)
{
    owned(memory) char *text = json_text(variables);
    size_t fdl = json_string_length(json_object_get(variables, "FDL"));

    if (strlen(text) > FUNCTION_ENVIRONMENT_LIMIT)
        return error_set(err, ERROR_LIMIT,
                         "the environment of function '%.80s' has %zu bytes, Lambda takes %d; "
                         "%zu of them are the definition itself (FDL)",
                         function, strlen(text), FUNCTION_ENVIRONMENT_LIMIT, fdl);
    return true;
}

void function_environment_merge(json_t *wanted, json_t *present,
                                const struct environment_change *change)
{
    if (!change->replace)
        json_object_update_missing(wanted, present);
    for (const char *const *name = change->unset; name && *name; name++)
        if (strcmp(*name, "FDL") != 0 && strcmp(*name, "IMAGE_ID") != 0)
            json_object_del(wanted, *name);
}
