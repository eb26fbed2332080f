/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/removal.h"

#include <string.h>

#include "lambda/aws/ecr.h"
#include "lambda/aws/function_deployment.h"
#include "lambda/aws/function_list.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/functions.h"
#include "lambda/aws/logs.h"
#include "lambda/aws/role.h"
#include "lambda/aws/trigger.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

bool removal_of_image(const struct aws *aws, const char *image_uri, struct error *err)
{
    json_owned json_t *used = NULL;

    return function_list_images(aws, &used, err) && ecr_remove_image(aws, image_uri, used, err);
}

/* What the function was deployed with counts, as SCAR has it. */
static json_t *read_fdl(const json_t *function)
{
    json_t *environment =
        json_object_get(json_object_get(function, "Configuration"), "Environment");

    return function_request_read_fdl(json_object_get(environment, "Variables"));
}

/* A group that the definition named is somebody's own. */
static bool remove_log_group(const struct aws *aws, const char *name, const json_t *fdl,
                             bool *found, struct error *err)
{
    *found = false;
    return json_object_get(json_object_get(fdl, "logging"), "group") ||
           logs_remove_group(aws, name, found, err);
}

/* A removal that broke off before is gone on with. */
static bool remove_rest(const struct aws *aws, const char *name, struct error *err)
{
    const struct error missing = *err;
    bool found_group = false;
    bool found_role = false;

    if (!remove_log_group(aws, name, NULL, &found_group, err) ||
        !role_remove_left(aws, name, &found_role, err))
        return false;
    if (!found_group && !found_role)
        *err = missing;
    return found_group || found_role;
}

/* Removing broke off at `what`, before the image's turn. */
static bool stopped_at(const char *name, const char *what, bool has_image, struct error *err)
{
    owned(memory) char *image =
        has_image ? text_format(", and 'skiff prune -n %.80s --all' with its image", name)
                  : NULL;

    return error_wrap(
        err, "function '%.80s' is removed, but not its %s; 'skiff rm -n %.80s' goes on%s", name,
        what, name, image ? image : "");
}

bool removal_of_function(const struct aws *aws, const char *name, struct error *err)
{
    json_owned json_t *function = NULL;
    bool found;

    if (!functions_get(aws, name, &function, err))
        return err->kind == ERROR_NOT_FOUND && remove_rest(aws, name, err);
    json_owned json_t *fdl = read_fdl(function);
    const char *image_uri = function_deployment_image(function);
    const char *role = json_optional_string(json_object_get(function, "Configuration"), "Role");
    bool has_image = image_uri && !json_is_false(json_object_get(json_object_get(fdl, "ecr"),
                                                                 "delete_image"));

    const char *arn =
        json_optional_string(json_object_get(function, "Configuration"), "FunctionArn");
    if (arn && !trigger_remove(aws, arn, fdl, err))
        return error_wrap(err, "function '%.80s' is not removed yet", name);
    if (!functions_delete(aws, name, err))
        return false;
    if (!remove_log_group(aws, name, fdl, &found, err))
        return stopped_at(name, "log group", has_image, err);
    if (role_is_ours(aws, role, name) && !role_remove(aws, name, err))
        return stopped_at(name, "role", has_image, err);
    if (has_image && !removal_of_image(aws, image_uri, err))
        return error_wrap(err,
                          "function '%.80s' is removed, but not its image '%.200s'; 'skiff "
                          "prune -n %.80s --all' goes on",
                          name, image_uri, name);
    return true;
}
