/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_export.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/ecr.h"
#include "lambda/aws/function_call.h"
#include "lambda/aws/function_configuration.h"
#include "lambda/aws/function_deployment.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/function_surroundings.h"
#include "lambda/aws/functions.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* "<host>/<repository>@sha256:…", where the repository is the one a function of the name has;
 * else NULL. */
static char *own_repository(const char *function, const char *image_uri)
{
    owned(memory) char *name = NULL;
    const char *slash = strchr(image_uri, '/');
    struct error ignored;

    if (!slash || !ecr_repository_name(function, &name, &ignored))
        return NULL;
    bool is_own = strncmp(slash + 1, name, strlen(name)) == 0 && slash[1 + strlen(name)] == '@';
    return is_own ? take(&name) : NULL;
}

static const json_t *variables_of(const json_t *request)
{
    return json_object_get(json_object_get(request, "Environment"), "Variables");
}

/* --- from a definition --- */

bool function_export_definition(const struct definition *definition, const char *image_uri,
                                struct function_export *out, struct error *err)
{
    struct definition named = *definition;

    named.creates_role = false; /* by skiff only */
    if (!function_request_check_role(&named, err) ||
        !function_request_check(definition, image_uri, err))
        return false;
    *out = (struct function_export){
        .request = function_request(definition, image_uri, NULL),
        .url = definition->function_url ? json_deep_copy(definition->function_url) : NULL,
        .alias = definition->alias ? memory_copy_string(definition->alias) : NULL,
        .repository =
            definition->image_is_prepared ? NULL : own_repository(definition->name, image_uri),
        .concurrency = definition->concurrency,
        .log_retention_days = json_object_get(definition->logging, "LogGroup")
                                  ? 0
                                  : definition->log_retention_days,
        .has_secrets = definition->storage_providers != NULL,
        .has_triggers = json_array_size(json_object_get(definition->config, "input")) > 0,
    };
    return true;
}

/* --- from a function --- */

static bool find_url(const struct aws *aws, const char *name, json_t **out, struct error *err)
{
    owned(memory) char *path = function_path("2021-10-31", name, "/url");
    const struct aws_call call = {
        .service = "lambda",
        .operation = "GetFunctionUrlConfig",
        .method = "GET",
        .path = path,
    };
    json_owned json_t *answer = NULL;
    struct error refused = {0};

    if (aws_ask(aws, &call, NULL, &answer, NULL, &refused)) {
        *out = surroundings_url_settings(answer);
        return true;
    }
    if (refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}

static json_t *request_of(const json_t *answer, const char *name, const char *image_uri)
{
    json_t *configuration = json_object_get(answer, "Configuration");
    json_owned json_t *fresh = function_configuration_read(NULL, name);
    json_owned json_t *present = function_configuration_read(configuration, name);
    json_t *request = function_configuration_changes(fresh, present);
    json_t *tags = json_object_get(answer, "Tags");

    json_object_set_new(request, "FunctionName", json_string(name));
    json_object_set_new(request, "PackageType", json_string("Image"));
    json_object_set_new(request, "Code", json_pack("{s:s}", "ImageUri", image_uri));
    if (json_object_get(configuration, "Architectures"))
        json_object_set(request, "Architectures",
                        json_object_get(configuration, "Architectures"));
    if (json_object_size(tags) > 0)
        json_object_set(request, "Tags", tags);
    return request;
}

bool function_export_deployed(const struct aws *aws, const char *name,
                              struct function_export *out, struct error *err)
{
    json_owned json_t *answer = NULL;
    json_owned json_t *url = NULL;

    if (!functions_get(aws, name, &answer, err))
        return false;
    const char *image_uri = function_deployment_image(answer);
    if (!image_uri)
        return error_set(err, ERROR_INVALID, "function '%.80s' is not made of an image", name);
    if (!find_url(aws, name, &url, err))
        return false;
    json_t *request = request_of(answer, name, image_uri);
    json_owned json_t *fdl = function_request_read_fdl(variables_of(request));
    const char *alias = json_optional_string(fdl, "alias");
    const json_t *reserved =
        json_object_get(json_object_get(answer, "Concurrency"), "ReservedConcurrentExecutions");
    if (alias || json_is_true(json_object_get(fdl, "publish")))
        json_object_set_new(request, "Publish", json_true());
    *out = (struct function_export){
        .request = request,
        .url = take(&url),
        .alias = alias ? memory_copy_string(alias) : NULL,
        .repository = own_repository(name, image_uri),
        .concurrency = reserved ? (int)json_integer_value(reserved) : CONCURRENCY_UNRESERVED,
        .has_secrets = json_object_get(fdl, "storage_providers") != NULL,
        .has_triggers = json_array_size(json_object_get(fdl, "input")) > 0,
        .is_deployed = true,
    };
    return true;
}

/* --- into a form --- */

static void leave_out(json_t *left_out, bool is_there, const char *key)
{
    if (is_there)
        json_array_append_new(left_out, json_string(key));
}

char *function_export_text(const struct function_export *function,
                           enum function_export_form form, json_t *left_out)
{
    bool is_json = form == FUNCTION_EXPORT_JSON;
    bool publishes = json_is_true(json_object_get(function->request, "Publish"));

    leave_out(left_out, function->has_triggers, "input");
    leave_out(left_out, form == FUNCTION_EXPORT_SAM && publishes && !function->alias,
              "publish");
    leave_out(left_out, is_json && function->concurrency != CONCURRENCY_UNRESERVED,
              "concurrency");
    leave_out(left_out, is_json && function->url, "function_url");
    leave_out(left_out, is_json && function->alias, "alias");
    leave_out(left_out, is_json && function->log_retention_days > 0,
              "log_retention_policy_in_days");
    if (form == FUNCTION_EXPORT_TERRAFORM)
        return function_export_terraform(function);
    if (form == FUNCTION_EXPORT_SAM)
        return function_export_sam(function);
    owned(memory) char *text = json_text_for_people(function->request);
    return text_format("%s\n", text);
}

void function_export_release(struct function_export *function)
{
    json_decref(function->request);
    json_decref(function->url);
    free(function->alias);
    free(function->repository);
    *function = (struct function_export){0};
}
