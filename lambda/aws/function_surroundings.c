/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_surroundings.h"

#include <string.h>

#include "lambda/aws/function_call.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/trigger.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char FUNCTIONS[] = "2015-03-31";
static const char CONCURRENCY[] = "2017-10-31";
static const char URLS[] = "2021-10-31";

/* One settling under way; with `calls` it only says what it would do. */
struct settling {
    const struct aws *aws;
    const struct definition *definition;
    const char *arn;
    const json_t *before;
    bool is_other_version;
    json_t *calls; /* NULL: do it */
};

/* --- asking and changing --- */

static bool ask(const struct settling *settling, const char *operation, const char *method,
                const char *path, const json_t *body, json_t **answer, struct error *err)
{
    const struct aws_call call = {
        .service = "lambda",
        .operation = operation,
        .method = method,
        .path = path,
    };

    return function_ask(settling->aws, &call, body, answer, NULL, err);
}

/* Asks for what may not be there: `*answer` is NULL then. */
static bool find(const struct settling *settling, const char *operation, const char *path,
                 json_t **answer, struct error *err)
{
    struct error refused = {0};

    *answer = NULL;
    if (ask(settling, operation, "GET", path, NULL, answer, &refused) ||
        refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}

/* Changes something, or only says so. */
static bool change(const struct settling *settling, const char *operation, const char *method,
                   const char *path, const json_t *body, json_t **answer, struct error *err)
{
    if (settling->calls) {
        json_array_append_new(settling->calls, json_string(operation));
        return true;
    }
    return ask(settling, operation, method, path, body, answer, err);
}

/* The same for what may be there, or be gone, already. */
static bool change_unless(const struct settling *settling, enum error_kind fine,
                          const char *operation, const char *method, const char *path,
                          const json_t *body, struct error *err)
{
    struct error refused = {0};

    if (change(settling, operation, method, path, body, NULL, &refused) || refused.kind == fine)
        return true;
    *err = refused;
    return false;
}

/* Something that is made by POST where it is not there, and changed by PUT where it is. */
struct thing {
    const char *create;
    const char *create_path;
    const char *update;
    const char *update_path;
    bool is_there;
};

/* One that turns out to be there was made by a call whose answer was lost. */
static bool put(const struct settling *settling, const struct thing *thing,
                const json_t *create_body, const json_t *update_body, json_t **answer,
                struct error *err)
{
    struct error refused = {.kind = ERROR_CONFLICT};

    if (!thing->is_there && change(settling, thing->create, "POST", thing->create_path,
                                   create_body, answer, &refused))
        return true;
    if (refused.kind == ERROR_CONFLICT)
        return change(settling, thing->update, "PUT", thing->update_path, update_body, answer,
                      err);
    *err = refused;
    return false;
}

/* What the function was last deployed with; a new value, NULL when not known. */
static json_t *read_former(const json_t *before)
{
    json_t *configuration = json_object_get(before, "Configuration");

    return function_request_read_fdl(
        json_object_get(json_object_get(configuration, "Environment"), "Variables"));
}

/* What the definition said of `key` then. */
static bool had(const struct settling *settling, const char *key)
{
    json_owned json_t *former = read_former(settling->before);

    return json_object_get(former, key) != NULL;
}

/* --- reserved concurrency --- */

static bool settle_concurrency(const struct settling *settling, struct error *err)
{
    const struct definition *definition = settling->definition;
    const json_t *present = json_object_get(json_object_get(settling->before, "Concurrency"),
                                            "ReservedConcurrentExecutions");
    owned(memory) char *path = function_path(CONCURRENCY, definition->name, "/concurrency");

    if (definition->concurrency == CONCURRENCY_UNRESERVED)
        return !present || !had(settling, "concurrency") ||
               change(settling, "DeleteFunctionConcurrency", "DELETE", path, NULL, NULL, err);
    if (present && json_integer_value(present) == definition->concurrency)
        return true;
    json_owned json_t *body =
        json_pack("{s:i}", "ReservedConcurrentExecutions", definition->concurrency);
    return change(settling, "PutFunctionConcurrency", "PUT", path, body, NULL, err);
}

/* --- the URL --- */

/* A URL for everybody needs both. */
static const struct {
    const char *id;
    const char *action;
    bool is_of_url;
} statements[] = {
    {"skiff-url", "lambda:InvokeFunctionUrl", true},
    {"skiff-url-invoke", "lambda:InvokeFunction", false},
};

enum { STATEMENT_COUNT = sizeof statements / sizeof *statements };

static bool allow_everybody(const struct settling *settling, struct error *err)
{
    owned(memory) char *path = function_path(FUNCTIONS, settling->definition->name, "/policy");

    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        json_owned json_t *body = json_pack("{s:s, s:s, s:s}", "StatementId", statements[i].id,
                                            "Action", statements[i].action, "Principal", "*");
        if (statements[i].is_of_url)
            json_object_set_new(body, "FunctionUrlAuthType", json_string("NONE"));
        else
            json_object_set_new(body, "InvokedViaFunctionUrl", json_true());
        if (!change_unless(settling, ERROR_CONFLICT, "AddPermission", "POST", path, body, err))
            return false;
    }
    return true;
}

static bool allow_nobody(const struct settling *settling, struct error *err)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        owned(memory) char *part = text_format("/policy/%s", statements[i].id);
        owned(memory) char *path = function_path(FUNCTIONS, settling->definition->name, part);
        if (!change_unless(settling, ERROR_NOT_FOUND, "RemovePermission", "DELETE", path, NULL,
                           err))
            return false;
    }
    return true;
}

static bool is_public(const json_t *url)
{
    const char *auth = json_optional_string(url, "AuthType");

    return auth && strcmp(auth, "NONE") == 0;
}

/* Whether all that is wanted is there; Lambda adds members, and empty lists. */
static bool url_is_as_wanted(const json_t *present, const json_t *wanted)
{
    const char *name;
    json_t *value;

    json_object_foreach(
        (json_t *)wanted, name,
        value) if (!json_equal(value, json_object_get(present, name))) return false;
    return true;
}

/* Permissions first: a URL that is as it should be shows that they are, too. */
static bool make_url(const struct settling *settling, const char *path, const json_t *present,
                     struct error *err)
{
    const json_t *wanted = settling->definition->function_url;
    const struct thing thing = {
        .create = "CreateFunctionUrlConfig",
        .create_path = path,
        .update = "UpdateFunctionUrlConfig",
        .update_path = path,
        .is_there = present != NULL,
    };
    json_owned json_t *answer = NULL;

    if (present && url_is_as_wanted(present, wanted))
        return true;
    if ((is_public(wanted) && !is_public(present) && !allow_everybody(settling, err)) ||
        (is_public(present) && !is_public(wanted) && !allow_nobody(settling, err)) ||
        !put(settling, &thing, wanted, wanted, &answer, err))
        return false;
    const char *url = json_optional_string(answer, "FunctionUrl");
    if (url)
        progress_step(settling->aws->progress, "Function URL: %s", url);
    return true;
}

static bool settle_url(const struct settling *settling, struct error *err)
{
    const json_t *wanted = settling->definition->function_url;
    owned(memory) char *path = function_path(URLS, settling->definition->name, "/url");
    json_owned json_t *present = NULL;

    if (!wanted && !had(settling, "function_url"))
        return true;
    if (settling->before && !find(settling, "GetFunctionUrlConfig", path, &present, err))
        return false;
    if (wanted)
        return make_url(settling, path, present, err);
    return !present || (allow_nobody(settling, err) &&
                        change_unless(settling, ERROR_NOT_FOUND, "DeleteFunctionUrlConfig",
                                      "DELETE", path, NULL, err));
}

/* --- version and alias --- */

static bool point_alias(const struct settling *settling, const json_t *version, bool is_there,
                        struct error *err)
{
    const char *function = settling->definition->name;
    const char *alias = settling->definition->alias;
    const char *number = json_optional_string(version, "Version");
    owned(memory) char *part = text_format("/aliases/%s", alias);
    owned(memory) char *all = function_path(FUNCTIONS, function, "/aliases");
    owned(memory) char *one = function_path(FUNCTIONS, function, part);
    json_owned json_t *body =
        json_pack("{s:s}", "FunctionVersion", number ? number : "$LATEST");
    json_owned json_t *named = json_copy(body);
    const struct thing thing = {"CreateAlias", all, "UpdateAlias", one, is_there};

    json_object_set_new(named, "Name", json_string(alias));
    if (!put(settling, &thing, named, body, NULL, err))
        return false;
    if (!settling->calls && number)
        progress_step(settling->aws->progress, "Alias '%s' is version %s.", alias, number);
    return true;
}

static bool settle_version(const struct settling *settling, struct error *err)
{
    const struct definition *definition = settling->definition;
    owned(memory) char *path = function_path(FUNCTIONS, definition->name, "/versions");
    json_owned json_t *alias = NULL;
    json_owned json_t *version = NULL;
    json_owned json_t *nothing = json_object();

    if (!definition->publish)
        return true;
    if (definition->alias && settling->before) {
        owned(memory) char *part = text_format("/aliases/%s", definition->alias);
        owned(memory) char *alias_path = function_path(FUNCTIONS, definition->name, part);
        if (!find(settling, "GetAlias", alias_path, &alias, err))
            return false;
    }
    if (!settling->is_other_version && (alias || !definition->alias))
        return true;
    return change(settling, "PublishVersion", "POST", path, nothing, &version, err) &&
           (!definition->alias || point_alias(settling, version, alias != NULL, err));
}

/* --- buckets --- */

static bool settle_triggers(const struct settling *settling, struct error *err)
{
    const struct definition *definition = settling->definition;
    json_owned json_t *former = read_former(settling->before);
    const struct trigger_change change = {
        .function = definition->name,
        .arn = settling->arn,
        .former = former,
        .wanted = definition->config,
        .providers = definition->storage_providers,
        .calls = settling->calls,
    };

    return trigger_settle(settling->aws, &change, err);
}

/* What was wanted is what goes; the keys of both are needed for that. */
bool surroundings_undo(const struct aws *aws, const struct surroundings *surroundings,
                       struct error *err)
{
    const struct definition *definition = surroundings->definition;
    json_owned json_t *before = read_former(surroundings->before);
    json_owned json_t *wanted = json_copy((json_t *)definition->config);
    const struct trigger_change change = {
        .function = definition->name,
        .arn = surroundings->arn,
        .former = wanted,
        .wanted = before,
        .providers = json_object_get(before, "storage_providers"),
    };

    if (definition->storage_providers)
        json_object_set(wanted, "storage_providers", (json_t *)definition->storage_providers);
    return trigger_settle(aws, &change, err);
}

/* --- all of it --- */

static bool settle(const struct aws *aws, const struct surroundings *surroundings,
                   json_t *calls, struct error *err)
{
    const struct settling settling = {
        .aws = aws,
        .definition = surroundings->definition,
        .arn = surroundings->arn,
        .before = surroundings->before,
        .is_other_version = surroundings->is_other_version,
        .calls = calls,
    };

    return settle_concurrency(&settling, err) && settle_url(&settling, err) &&
           settle_version(&settling, err) && settle_triggers(&settling, err);
}

bool surroundings_settle(const struct aws *aws, const struct surroundings *surroundings,
                         struct error *err)
{
    return settle(aws, surroundings, NULL, err);
}

bool surroundings_plan(const struct aws *aws, const struct surroundings *surroundings,
                       json_t *calls, struct error *err)
{
    return settle(aws, surroundings, calls, err);
}
