/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_surroundings.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/function_call.h"
#include "lambda/aws/function_configuration.h"
#include "lambda/aws/function_list.h"
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
    json_t *calls;                  /* NULL: do it */
    struct surroundings_past *past; /* NULL with `calls` */
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

static const json_t *reserved_of(const json_t *function)
{
    return json_object_get(json_object_get(function, "Concurrency"),
                           "ReservedConcurrentExecutions");
}

static bool reserve(const struct settling *settling, json_int_t count, struct error *err)
{
    owned(memory) char *path =
        function_path(CONCURRENCY, settling->definition->name, "/concurrency");
    json_owned json_t *body = json_pack("{s:I}", "ReservedConcurrentExecutions", count);

    if (settling->past)
        settling->past->is_concurrency_changed = true;
    if (count == CONCURRENCY_UNRESERVED)
        return change(settling, "DeleteFunctionConcurrency", "DELETE", path, NULL, NULL, err);
    return change(settling, "PutFunctionConcurrency", "PUT", path, body, NULL, err);
}

static bool settle_concurrency(const struct settling *settling, struct error *err)
{
    const int wanted = settling->definition->concurrency;
    const json_t *present = reserved_of(settling->before);

    if (wanted == CONCURRENCY_UNRESERVED ? !present || !had(settling, "concurrency")
                                         : present && json_integer_value(present) == wanted)
        return true;
    return reserve(settling, wanted, err);
}

static bool undo_concurrency(const struct settling *settling, struct error *err)
{
    const json_t *former = reserved_of(settling->before);

    return !settling->past->is_concurrency_changed ||
           reserve(settling, former ? json_integer_value(former) : CONCURRENCY_UNRESERVED, err);
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

json_t *surroundings_url_settings(const json_t *url)
{
    static const char *const members[] = {"AuthType", "Cors", "InvokeMode"};
    json_t *out = json_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (json_object_get(url, members[i]))
            json_object_set(out, members[i], json_object_get(url, members[i]));
    return out;
}

static void note_url(const struct settling *settling, const json_t *present)
{
    if (!settling->past)
        return;
    settling->past->is_url_changed = true;
    settling->past->url = present ? surroundings_url_settings(present) : NULL;
}

static bool put_url(const struct settling *settling, const char *path, bool is_there,
                    const json_t *wanted, struct error *err)
{
    const struct thing thing = {
        .create = "CreateFunctionUrlConfig",
        .create_path = path,
        .update = "UpdateFunctionUrlConfig",
        .update_path = path,
        .is_there = is_there,
    };
    json_owned json_t *answer = NULL;

    if (!put(settling, &thing, wanted, wanted, &answer, err))
        return false;
    const char *url = json_optional_string(answer, "FunctionUrl");
    if (url)
        progress_step(settling->aws->progress, "Function URL: %s", url);
    return true;
}

/* Permissions first: a URL that is as it should be shows that they are, too. */
static bool make_url(const struct settling *settling, const char *path, const json_t *present,
                     const json_t *wanted, struct error *err)
{
    return (!is_public(wanted) || is_public(present) || allow_everybody(settling, err)) &&
           (!is_public(present) || is_public(wanted) || allow_nobody(settling, err)) &&
           put_url(settling, path, present != NULL, wanted, err);
}

static bool remove_url(const struct settling *settling, const char *path, struct error *err)
{
    return allow_nobody(settling, err) &&
           change_unless(settling, ERROR_NOT_FOUND, "DeleteFunctionUrlConfig", "DELETE", path,
                         NULL, err);
}

/* What the definition has, and nothing in the place of cors: where it had that and the URL
 * still does. A new object; NULL without a URL. */
static json_t *wanted_url(const struct settling *settling, const json_t *present)
{
    json_t *wanted = json_copy((json_t *)settling->definition->function_url);
    json_owned json_t *former = read_former(settling->before);

    if (wanted && !json_object_get(wanted, "Cors") &&
        json_object_size(json_object_get(present, "Cors")) > 0 &&
        json_object_get(json_object_get(former, "function_url"), "cors"))
        json_object_set_new(wanted, "Cors", json_object());
    return wanted;
}

static bool settle_url(const struct settling *settling, struct error *err)
{
    owned(memory) char *path = function_path(URLS, settling->definition->name, "/url");
    json_owned json_t *present = NULL;

    if (!settling->definition->function_url && !had(settling, "function_url"))
        return true;
    if (settling->before && !find(settling, "GetFunctionUrlConfig", path, &present, err))
        return false;
    json_owned json_t *wanted = wanted_url(settling, present);
    if (wanted ? present && url_is_as_wanted(present, wanted) : !present)
        return true;
    note_url(settling, present);
    return wanted ? make_url(settling, path, present, wanted, err)
                  : remove_url(settling, path, err);
}

/* Where the change broke off is not known. */
static bool undo_url(const struct settling *settling, struct error *err)
{
    json_t *former = settling->past->url;
    bool is_there = settling->definition->function_url != NULL;
    owned(memory) char *path = function_path(URLS, settling->definition->name, "/url");

    if (!settling->past->is_url_changed)
        return true;
    if (!former)
        return remove_url(settling, path, err);
    if (!json_object_get(former, "Cors")) /* or the new ones would stay */
        json_object_set_new(former, "Cors", json_object());
    return (is_public(former) ? allow_everybody : allow_nobody)(settling, err) &&
           put_url(settling, path, is_there, former, err);
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
    if (settling->past)
        settling->past->is_alias_changed = true;
    if (!put(settling, &thing, named, body, NULL, err))
        return false;
    if (!settling->calls && number)
        progress_step(settling->aws->progress, "Alias '%s' is version %s.", alias, number);
    return true;
}

/* Whether that version is the function as it is: then a deployment that broke off before it was
 * published is gone on with. */
static bool is_published(const struct settling *settling, const json_t *published)
{
    const char *name = settling->definition->name;
    const json_t *latest = json_object_get(settling->before, "Configuration");
    json_owned json_t *one = function_configuration_read(latest, name);
    json_owned json_t *other = function_configuration_read(published, name);

    return json_equal(one, other) && json_equal(json_object_get(latest, "CodeSha256"),
                                                json_object_get(published, "CodeSha256"));
}

/* The version that the alias names, as GetFunction has it; NULL without such an alias. */
static bool find_alias(const struct settling *settling, json_t **out, struct error *err)
{
    const struct definition *definition = settling->definition;

    if (!definition->alias || !settling->before)
        return true;
    owned(memory) char *query = text_format("?Qualifier=%s", definition->alias);
    owned(memory) char *path = function_path(FUNCTIONS, definition->name, query);
    return find(settling, "GetFunction", path, out, err);
}

static char *version_of(const json_t *configuration)
{
    const char *number = json_optional_string(configuration, "Version");

    return number ? memory_copy_string(number) : NULL;
}

static long number_of(const json_t *configuration)
{
    const char *number = json_optional_string(configuration, "Version");

    return number ? strtol(number, NULL, 10) : 0; /* of $LATEST, too */
}

static void keep_newest(void *context, const json_t *configuration)
{
    json_t **newest = context;

    if (number_of(configuration) <= number_of(*newest))
        return;
    json_decref(*newest);
    *newest = json_incref((json_t *)configuration);
}

/* With an alias it is the version that counts, for it is the one in use. */
static bool is_newest_published(const struct settling *settling, bool *out, struct error *err)
{
    json_owned json_t *newest = NULL;

    if (!function_list_versions(settling->aws, settling->definition->name, keep_newest, &newest,
                                err))
        return false;
    *out = newest && is_published(settling, newest);
    return true;
}

static bool settle_version(const struct settling *settling, struct error *err)
{
    const struct definition *definition = settling->definition;
    owned(memory) char *path = function_path(FUNCTIONS, definition->name, "/versions");
    bool is_settled = false;
    json_owned json_t *alias = NULL;
    json_owned json_t *version = NULL;
    json_owned json_t *nothing = json_object();

    if (!definition->publish)
        return true;
    if (!find_alias(settling, &alias, err))
        return false;
    if (definition->alias)
        is_settled = alias && is_published(settling, json_object_get(alias, "Configuration"));
    else if (!settling->is_other_version && !is_newest_published(settling, &is_settled, err))
        return false;
    if (is_settled && !settling->is_other_version)
        return true;
    if (!change(settling, "PublishVersion", "POST", path, nothing, &version, err))
        return false;
    if (settling->past) {
        settling->past->alias_version = version_of(json_object_get(alias, "Configuration"));
        settling->past->version = version_of(version);
    }
    return !definition->alias || point_alias(settling, version, alias != NULL, err);
}

/* The alias first: a version that it names cannot go. */
static bool undo_version(const struct settling *settling, struct error *err)
{
    const struct surroundings_past *past = settling->past;
    const char *name = settling->definition->name;
    const char *alias = settling->definition->alias;
    owned(memory) char *part = text_format("/aliases/%s", alias ? alias : "");
    owned(memory) char *alias_path = function_path(FUNCTIONS, name, part);
    owned(memory) char *query =
        text_format("?Qualifier=%s", past->version ? past->version : "");
    owned(memory) char *path = function_path(FUNCTIONS, name, query);
    json_owned json_t *body = json_pack("{s:s*}", "FunctionVersion", past->alias_version);

    if (past->is_alias_changed &&
        !(past->alias_version
              ? change(settling, "UpdateAlias", "PUT", alias_path, body, NULL, err)
              : change_unless(settling, ERROR_NOT_FOUND, "DeleteAlias", "DELETE", alias_path,
                              NULL, err)))
        return false;
    return !past->version || change_unless(settling, ERROR_NOT_FOUND, "DeleteFunction",
                                           "DELETE", path, NULL, err);
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
static bool undo_triggers(const struct settling *settling, struct error *err)
{
    const struct definition *definition = settling->definition;
    json_owned json_t *before = read_former(settling->before);
    json_owned json_t *wanted = json_copy((json_t *)definition->config);
    const struct trigger_change change = {
        .function = definition->name,
        .arn = settling->arn,
        .former = wanted,
        .wanted = before,
        .providers = json_object_get(before, "storage_providers"),
    };

    if (definition->storage_providers)
        json_object_set(wanted, "storage_providers", (json_t *)definition->storage_providers);
    return trigger_settle(settling->aws, &change, err);
}

/* --- all of it --- */

static struct settling settling_of(const struct aws *aws,
                                   const struct surroundings *surroundings)
{
    return (struct settling){
        .aws = aws,
        .definition = surroundings->definition,
        .arn = surroundings->arn,
        .before = surroundings->before,
        .is_other_version = surroundings->is_other_version,
    };
}

/* The version last, for it does not change any more. */
static bool settle(const struct settling *settling, struct error *err)
{
    return settle_concurrency(settling, err) && settle_url(settling, err) &&
           settle_triggers(settling, err) && settle_version(settling, err);
}

bool surroundings_settle(const struct aws *aws, const struct surroundings *surroundings,
                         struct surroundings_past *past, struct error *err)
{
    struct settling settling = settling_of(aws, surroundings);

    settling.past = past;
    return settle(&settling, err);
}

bool surroundings_plan(const struct aws *aws, const struct surroundings *surroundings,
                       json_t *calls, struct error *err)
{
    struct settling settling = settling_of(aws, surroundings);

    settling.calls = calls;
    return settle(&settling, err);
}

bool surroundings_undo(const struct aws *aws, const struct surroundings *surroundings,
                       struct surroundings_past *past, struct error *err)
{
    struct settling settling = settling_of(aws, surroundings);

    settling.past = past;
    if (!undo_triggers(&settling, err))
        return false;
    return !surroundings->before || (undo_version(&settling, err) && undo_url(&settling, err) &&
                                     undo_concurrency(&settling, err));
}

void surroundings_past_release(struct surroundings_past *past)
{
    json_decref(past->url);
    free(past->version);
    free(past->alias_version);
    *past = (struct surroundings_past){0};
}
