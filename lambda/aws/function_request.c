/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_request.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/function_environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const struct {
    const char *architecture;
    const char *name; /* Lambda's */
} architectures[] = {{"amd64", "x86_64"}, {"arm64", "arm64"}};

static const char *lambda_architecture(const struct definition *definition)
{
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (strcmp(definition->architectures[0].architecture, architectures[i].architecture) ==
            0)
            return architectures[i].name;
    abort(); /* a definition has no other */
}

static bool check_role(const struct definition *definition, struct error *err)
{
    if (!definition->role || !*definition->role)
        return error_set(err, ERROR_USAGE,
                         "function '%.80s' has no role to run as: set iam.role in the "
                         "definition or give --iam-role, the ARN of a role that Lambda may "
                         "assume",
                         definition->name);
    return true;
}

static bool check_environment(const struct definition *definition, const char *image_uri,
                              struct error *err)
{
    json_owned json_t *variables = function_environment(definition, image_uri);
    owned(memory) char *text = json_text(variables);
    size_t fdl = json_string_length(json_object_get(variables, "FDL"));

    if (strlen(text) > FUNCTION_ENVIRONMENT_LIMIT)
        return error_set(err, ERROR_LIMIT,
                         "the environment of function '%.80s' has %zu bytes, Lambda takes %d; "
                         "%zu of them are the definition itself (FDL)",
                         definition->name, strlen(text), FUNCTION_ENVIRONMENT_LIMIT, fdl);
    return true;
}

bool function_request_check(const struct definition *definition, const char *image_uri,
                            struct error *err)
{
    return check_role(definition, err) && check_environment(definition, image_uri, err);
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
    json_t *request =
        json_pack("{s:s, s:s, s:s, s:{s:s}, s:[s], s:{s:o}, s:o}", "FunctionName",
                  definition->name, "PackageType", "Image", "Role", definition->role, "Code",
                  "ImageUri", image_uri, "Architectures", lambda_architecture(definition),
                  "Environment", "Variables", function_environment(definition, image_uri),
                  "Tags", function_request_tags(definition, owner));

    json_object_set_new(request, "Timeout", json_integer(definition->timeout_s));
    json_object_set_new(request, "MemorySize", json_integer(definition->memory_mib));
    if (definition->description)
        json_object_set_new(request, "Description", json_string(definition->description));
    if (definition->vpc)
        json_object_set(request, "VpcConfig", (json_t *)definition->vpc);
    if (definition->file_system)
        json_object_set(request, "FileSystemConfigs", (json_t *)definition->file_system);
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
