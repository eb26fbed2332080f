/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_deployment.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/function_configuration.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/function_state.h"
#include "lambda/aws/function_surroundings.h"
#include "lambda/aws/functions.h"
#include "lambda/aws/identity.h"
#include "lambda/aws/logs.h"
#include "lambda/aws/role.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

static json_t *configuration_of(const json_t *function)
{
    return json_object_get(function, "Configuration");
}

const char *function_deployment_image(const json_t *function)
{
    const json_t *code = json_object_get(function, "Code");
    const char *given = json_optional_string(code, "ImageUri");

    return given && strchr(given, '@') ? given : json_optional_string(code, "ResolvedImageUri");
}

/* Waits until the function is ready, and tells its name for AWS. */
static bool settle(const struct aws *aws, const struct platform_change *change, char **arn,
                   struct error *err)
{
    int limit_s = change->wait_s > 0 ? change->wait_s : FUNCTION_ACTIVE_WAIT_S;
    json_owned json_t *answer = NULL;
    const char *found = NULL;

    if (!function_state_wait(aws, change->definition->name, limit_s, &answer, err))
        return false;
    if (!arn)
        return true;
    if (!json_field_string(configuration_of(answer), "FunctionArn", &found, err))
        return error_wrap(err, "lambda GetFunction");
    *arn = memory_copy_string(found);
    return true;
}

/* --- a new function --- */

static bool settle_surroundings(struct function_deployment *deployment,
                                const struct surroundings *around, struct error *err)
{
    deployment->definition = around->definition;
    deployment->arn = memory_copy_string(around->arn);
    return surroundings_settle(deployment->aws, around, &deployment->past, err);
}

/* Nice to have: its absence stops nothing. A group the definition names is somebody's own. */
static void make_log_group(struct function_deployment *deployment,
                           const struct definition *definition, const json_t *tags)
{
    const struct aws *aws = deployment->aws;
    struct error trouble;

    if (json_object_get(definition->logging, "LogGroup"))
        return;
    if (!logs_make_group(aws, definition->name, definition->log_retention_days, (json_t *)tags,
                         &deployment->has_log_group, &trouble))
        progress_warn(aws->progress, "the function's log group is not set up: %s",
                      trouble.text);
}

static json_t *make_request(const struct aws *aws, const struct platform_change *change)
{
    owned(memory) char *owner = NULL;
    struct error trouble;

    if (!identity_user_id(aws, &owner, &trouble))
        progress_warn(aws->progress, "the function gets no tag 'owner': %s", trouble.text);
    return function_request(change->definition, change->image_uri, owner);
}

/* One whose creation failed is in the way of the next. */
static bool clear_away(struct function_deployment *deployment, const char *name,
                       struct error *err)
{
    if (!function_state_is_broken(configuration_of(deployment->before)))
        return true;
    progress_step(deployment->aws->progress,
                  "The creation of function '%s' had failed; it is made anew", name);
    json_decref(take(&deployment->before));
    return functions_delete(deployment->aws, name, err);
}

/* Nothing for a definition that names one. What was begun of it may be undone. */
static bool make_role(struct function_deployment *deployment,
                      const struct definition *definition, char **role, struct error *err)
{
    bool done = definition->role || role_make(deployment->aws, definition, role, err);

    deployment->has_role = *role != NULL;
    return done;
}

/* A role that has no function yet is heard of nowhere else. */
static bool tell_of_role(const struct function_deployment *deployment, const char *name,
                         struct error *err)
{
    if (deployment->has_role)
        error_wrap(err,
                   "its role is there, which 'skiff rm -n %.80s' removes, but not the function",
                   name);
    return false;
}

bool function_deployment_create(struct function_deployment *deployment,
                                const struct platform_change *change, char **arn,
                                struct error *err)
{
    const struct definition *definition = change->definition;
    const struct aws *aws = deployment->aws;
    struct surroundings around = {.definition = definition, .is_other_version = true};
    owned(memory) char *role = NULL;

    if (!function_request_check_role(definition, err) ||
        !function_request_check(definition, change->image_uri, err) ||
        !clear_away(deployment, definition->name, err))
        return false;
    if (!make_role(deployment, definition, &role, err))
        return tell_of_role(deployment, definition->name, err);
    json_owned json_t *request = make_request(aws, change);
    if (role)
        json_object_set_new(request, "Role", json_string(role));
    if (!functions_create(aws, definition->name, request, err))
        return tell_of_role(deployment, definition->name, err);
    deployment->is_made = true;
    if (change->is_made)
        *change->is_made = true;
    make_log_group(deployment, definition, json_object_get(request, "Tags"));
    if (!settle(aws, change, arn, err))
        return false;
    around.arn = *arn;
    return settle_surroundings(deployment, &around, err) ||
           error_wrap(err, "the function is active, but not all around it is there");
}

/* --- one that is there --- */

/* What is wanted otherwise; NULL where nothing is. All owned. */
struct difference {
    json_t *code;
    json_t *configuration;
    json_t *tags;
};

static inline void difference_cleanup(struct difference *difference)
{
    json_decref(difference->code);
    json_decref(difference->configuration);
    json_decref(difference->tags);
}

static json_t *unless_empty(json_t *object)
{
    if (json_object_size(object) > 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *code_of(const struct platform_change *change)
{
    return json_pack("{s:s, s:[s]}", "ImageUri",
                     change->image_uri ? change->image_uri : "a new image", "Architectures",
                     function_request_architecture(change->definition));
}

static json_t *compare_code(const json_t *before, const struct platform_change *change)
{
    const char *present = function_deployment_image(before);
    const char *wanted = function_request_architecture(change->definition);
    const char *runs_on = json_string_value(
        json_array_get(json_object_get(configuration_of(before), "Architectures"), 0));

    if (present && change->image_uri && strcmp(present, change->image_uri) == 0 &&
        (!runs_on || strcmp(runs_on, wanted) == 0))
        return NULL;
    return code_of(change);
}

static json_t *compare_configuration(const json_t *before, const struct platform_change *change)
{
    const char *name = change->definition->name;
    json_owned json_t *present = function_configuration_read(configuration_of(before), name);
    json_owned json_t *wanted = function_configuration(change->definition, change->image_uri);

    if (!change->definition->role) /* the one it has was made or chosen for it */
        json_object_del(wanted, "Role");
    function_configuration_merge(wanted, present, &change->environment);
    return unless_empty(function_configuration_changes(present, wanted));
}

static json_t *compare_tags(const json_t *before, const struct definition *definition)
{
    json_owned json_t *wanted = function_request_tags(definition, NULL);

    return unless_empty(
        function_configuration_changes(json_object_get(before, "Tags"), wanted));
}

/* Of a change that has failed Lambda tells all the same, though what was there before runs on.
 * It is made again by the image, the one thing that may be said a second time. */
static struct difference compare(const json_t *before, const struct platform_change *change)
{
    struct difference difference = {
        .code = compare_code(before, change),
        .configuration = compare_configuration(before, change),
        .tags = compare_tags(before, change->definition),
    };

    if (!difference.code && !difference.configuration &&
        function_state_has_failed(configuration_of(before)))
        difference.code = code_of(change);
    return difference;
}

/* Nobody has waited for the end of what an earlier run began. Whatever is asked now would. */
static bool settle_earlier(const struct function_deployment *deployment,
                           const struct platform_change *change,
                           const struct difference *difference, struct error *err)
{
    return difference->code || difference->configuration ||
           !function_state_is_changing(configuration_of(deployment->before)) ||
           settle(deployment->aws, change, NULL, err);
}

static bool change_code(struct function_deployment *deployment,
                        const struct platform_change *change, const json_t *code, char **arn,
                        struct error *err)
{
    const char *name = change->definition->name;

    if (!code)
        return true;
    if (!functions_update_code(deployment->aws, name, code, err))
        return false;
    deployment->is_code_changed = true;
    progress_step(deployment->aws->progress, "Function '%s' gets its new image.", name);
    return settle(deployment->aws, change, arn, err);
}

/* Secrets may be among the values, so the names have to do. */
static void tell_members(struct progress *progress, const json_t *changes)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)changes, name, value)
        progress_step(progress, "Function's %s changed.", name);
}

static bool change_configuration(struct function_deployment *deployment,
                                 const struct platform_change *change, const json_t *changes,
                                 char **arn, struct error *err)
{
    const char *name = change->definition->name;
    const char *member;
    json_t *value;

    if (!changes)
        return true;
    if (!functions_update_configuration(deployment->aws, name, changes, err))
        return false;
    json_owned json_t *present =
        function_configuration_read(configuration_of(deployment->before), name);
    deployment->configuration = json_object();
    json_object_foreach((json_t *)changes, member, value)
        json_object_set(deployment->configuration, member, json_object_get(present, member));
    tell_members(deployment->aws->progress, changes);
    return settle(deployment->aws, change, arn, err);
}

/* What the definition needs may be more now, or less. */
static bool refresh_role(const struct function_deployment *deployment,
                         const struct definition *definition, struct error *err)
{
    const char *arn = json_optional_string(configuration_of(deployment->before), "Role");

    return definition->role || !role_is_ours(deployment->aws, arn, definition->name) ||
           role_allow(deployment->aws, arn, definition, err);
}

static bool check(const struct platform_change *change, const struct difference *difference,
                  struct error *err)
{
    return !difference->configuration ||
           function_request_check_update(change->definition, difference->configuration, err);
}

bool function_deployment_check(const struct function_deployment *deployment,
                               const struct platform_change *change, struct error *err)
{
    if (!deployment->before || function_state_is_broken(configuration_of(deployment->before)))
        return true;
    owned(difference) struct difference difference = compare(deployment->before, change);
    return check(change, &difference, err);
}

bool function_deployment_update(struct function_deployment *deployment,
                                const struct platform_change *change, char **arn,
                                struct error *err)
{
    const struct aws *aws = deployment->aws;
    owned(difference) struct difference difference = compare(deployment->before, change);
    struct surroundings around = {
        .definition = change->definition,
        .before = deployment->before,
        .is_other_version = difference.code || difference.configuration,
    };
    const char *known = NULL;

    if (!json_field_string(configuration_of(deployment->before), "FunctionArn", &known, err) ||
        !check(change, &difference, err) ||
        !settle_earlier(deployment, change, &difference, err) ||
        (difference.configuration && !refresh_role(deployment, change->definition, err)) ||
        !change_code(deployment, change, difference.code, NULL, err) ||
        !change_configuration(deployment, change, difference.configuration, NULL, err))
        return false;
    around.arn = known;
    if (!settle_surroundings(deployment, &around, err))
        return error_wrap(err, "the function is changed, but not all around it");
    /* Last, for nothing would undo it. */
    if (difference.tags && !functions_tag(aws, known, difference.tags, err))
        return false;
    if (!difference.code && !difference.configuration && !difference.tags)
        progress_step(aws->progress, "Function '%s' is as the definition has it.",
                      change->definition->name);
    *arn = memory_copy_string(known);
    return true;
}

/* --- only saying it --- */

static void plan_call(json_t *calls, const char *operation)
{
    json_array_append_new(calls, json_string(operation));
}

static void plan_members(json_t *calls, const json_t *changes)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)changes, name, value)
        json_array_append_new(calls, json_sprintf("UpdateFunctionConfiguration: %s", name));
}

bool function_deployment_plan(struct function_deployment *deployment,
                              const struct platform_change *change, json_t *calls,
                              struct error *err)
{
    const json_t *before = deployment->before;
    struct surroundings around = {.definition = change->definition, .is_other_version = true};

    if (!before || function_state_is_broken(configuration_of(before))) {
        if (before)
            plan_call(calls, "DeleteFunction");
        if (!change->definition->role)
            plan_call(calls, "CreateRole");
        plan_call(calls, "CreateFunction");
        plan_call(calls, "CreateLogGroup");
        return surroundings_plan(deployment->aws, &around, calls, err);
    }
    owned(difference) struct difference difference = compare(before, change);
    around.before = before;
    around.arn = json_optional_string(configuration_of(before), "FunctionArn");
    around.is_other_version = difference.code || difference.configuration;
    if (difference.code)
        plan_call(calls, "UpdateFunctionCode");
    plan_members(calls, difference.configuration);
    if (difference.tags)
        plan_call(calls, "TagResource");
    return check(change, &difference, err) &&
           surroundings_plan(deployment->aws, &around, calls, err);
}

/* --- taking it back --- */

static bool undo_surroundings(struct function_deployment *deployment, struct error *err)
{
    const struct surroundings around = {
        .definition = deployment->definition,
        .arn = deployment->arn,
        .before = deployment->before,
    };

    return !deployment->arn ||
           surroundings_undo(deployment->aws, &around, &deployment->past, err);
}

static bool undo_creation(struct function_deployment *deployment, const char *name,
                          struct error *err)
{
    bool found;

    if (deployment->has_role && !role_remove(deployment->aws, name, err))
        return false;
    if (!deployment->is_made)
        return true;
    return functions_delete(deployment->aws, name, err) &&
           (!deployment->has_log_group ||
            logs_remove_group(deployment->aws, name, &found, err));
}

static bool undo_changes(struct function_deployment *deployment, const char *name,
                         struct error *err)
{
    const struct aws *aws = deployment->aws;
    const char *image_uri = function_deployment_image(deployment->before);
    json_owned json_t *last = NULL;

    if (deployment->is_code_changed && image_uri) {
        json_owned json_t *code =
            json_pack("{s:s, s:O*}", "ImageUri", image_uri, "Architectures",
                      json_object_get(configuration_of(deployment->before), "Architectures"));
        if (!functions_update_code(aws, name, code, err))
            return false;
        progress_step(aws->progress, "Function '%s' gets its former image back.", name);
    }
    if (deployment->configuration) {
        if (!functions_update_configuration(aws, name, deployment->configuration, err))
            return false;
        progress_step(aws->progress, "Function '%s' gets its former configuration back.", name);
    }
    if (!deployment->is_code_changed && !deployment->configuration)
        return true;
    return function_state_wait(aws, name, FUNCTION_ACTIVE_WAIT_S, &last, err);
}

bool function_deployment_undo(struct function_deployment *deployment, const char *name,
                              struct error *err)
{
    return undo_surroundings(deployment, err) && undo_creation(deployment, name, err) &&
           undo_changes(deployment, name, err);
}

void function_deployment_release(struct function_deployment *deployment)
{
    json_decref(deployment->before);
    json_decref(deployment->configuration);
    free(deployment->arn);
    surroundings_past_release(&deployment->past);
    *deployment = (struct function_deployment){0};
}
