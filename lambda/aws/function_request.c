/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_request.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/function_configuration.h"
#include "lambda/function_environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const struct {
    const char *architecture;
    const char *name; /* Lambda's */
} architectures[] = {{"amd64", "x86_64"}, {"arm64", "arm64"}};

const char *function_request_architecture(const struct definition *definition)
{
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (strcmp(definition->architectures[0].architecture, architectures[i].architecture) ==
            0)
            return architectures[i].name;
    abort(); /* a definition has no other */
}

bool function_request_check_role(const struct definition *definition, struct error *err)
{
    if ((!definition->role || !*definition->role) && !definition->creates_role)
        return error_set(err, ERROR_USAGE,
                         "function '%.80s' has no role to run as: set iam.role in the "
                         "definition, give --iam-role, the ARN of a role that Lambda may "
                         "assume, or let --create-role make one",
                         definition->name);
    return true;
}

bool function_request_check(const struct definition *definition, const char *image_uri,
                            struct error *err)
{
    json_owned json_t *variables = function_environment(definition, image_uri);

    return function_environment_check(definition->name, variables, err);
}

bool function_request_check_update(const struct definition *definition, const json_t *changes,
                                   struct error *err)
{
    const json_t *variables =
        json_object_get(json_object_get(changes, "Environment"), "Variables");
    owned(memory) char *text = json_text(changes);

    if (variables && !function_environment_check(definition->name, variables, err))
        return false;
    if (strlen(text) >= FUNCTION_UPDATE_LIMIT)
        return error_set(
            err, ERROR_LIMIT,
            "what is to be changed of function '%.80s' has %zu bytes as a request, "
            "Lambda takes less than %d; a shorter description, fewer variables or "
            "fewer words in image_config help",
            definition->name, strlen(text), FUNCTION_UPDATE_LIMIT);
    return true;
}

json_t *function_request_tags(const struct definition *definition, const char *owner)
{
    json_t *tags = json_object();

    if (definition->tags)
        json_object_update(tags, (json_t *)definition->tags);
    json_object_set_new(tags, "createdby", json_string("scar"));
    if (owner)
        json_object_set_new(tags, "owner", json_string(owner));
    return tags;
}

json_t *function_request(const struct definition *definition, const char *image_uri,
                         const char *owner)
{
    json_owned json_t *fresh = function_configuration_read(NULL, definition->name);
    json_owned json_t *wanted = function_configuration(definition, image_uri);
    json_t *request = function_configuration_changes(fresh, wanted);

    json_object_set_new(request, "FunctionName", json_string(definition->name));
    json_object_set_new(request, "PackageType", json_string("Image"));
    json_object_set_new(request, "Code", json_pack("{s:s}", "ImageUri", image_uri));
    json_object_set_new(request, "Architectures",
                        json_pack("[s]", function_request_architecture(definition)));
    json_object_set_new(request, "Tags", function_request_tags(definition, owner));
    if (definition->publish)
        json_object_set_new(request, "Publish", json_true());
    return request;
}

json_t *function_request_read_fdl(const json_t *variables)
{
    const char *encoded = json_optional_string(variables, "FDL");
    owned(memory) char *text = NULL;
    struct error unreadable;
    json_t *fdl = NULL;
    size_t count = 0;

    if (!encoded || !base64_decode(encoded, &text, &count, &unreadable) ||
        !json_parse(text, count, &fdl, &unreadable))
        return NULL;
    return fdl;
}
