/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/functions.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/function_call.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char VERSION[] = "2015-03-31";
static const char TAGS_VERSION[] = "2017-03-31";

bool functions_get(const struct aws *aws, const char *name, json_t **out, struct error *err)
{
    owned(memory) char *path = function_path(VERSION, name, "");
    json_owned json_t *answer = NULL;
    json_t *configuration = NULL;
    const struct aws_call call = {
        .service = "lambda",
        .operation = "GetFunction",
        .method = "GET",
        .path = path,
    };

    if (!aws_ask(aws, &call, NULL, &answer, NULL, err))
        return err->kind == ERROR_NOT_FOUND ? function_not_found(aws, name, err) : false;
    if (!json_field_object(answer, "Configuration", &configuration, err))
        return error_wrap(err, "lambda GetFunction");
    *out = take(&answer);
    return true;
}

/* A reply that was lost makes aws_ask() ask twice: then the function is there, and as asked. */
static bool is_as_asked(const struct aws *aws, const char *name, const json_t *request)
{
    json_owned json_t *function = NULL;
    struct error unknown;

    if (!functions_get(aws, name, &function, &unknown))
        return false;
    const json_t *present = json_object_get(json_object_get(function, "Configuration"), "Role");
    const json_t *image = json_object_get(json_object_get(function, "Code"), "ImageUri");
    json_t *variables = json_object_get(
        json_object_get(json_object_get(function, "Configuration"), "Environment"),
        "Variables");
    return json_equal(present, json_object_get(request, "Role")) &&
           json_equal(image, json_object_get(json_object_get(request, "Code"), "ImageUri")) &&
           json_equal(variables,
                      json_object_get(json_object_get(request, "Environment"), "Variables"));
}

bool functions_create(const struct aws *aws, const char *name, const json_t *request,
                      struct error *err)
{
    const struct aws_call call = {
        .service = "lambda",
        .operation = "CreateFunction",
        .path = "/2015-03-31/functions",
    };
    struct error refused;

    if (!function_ask(aws, &call, request, NULL, NULL, &refused)) {
        if (refused.kind == ERROR_CONFLICT && !is_as_asked(aws, name, request))
            return error_set(err, ERROR_CONFLICT,
                             "function '%.80s' already exists in region %s", name, aws->region);
        if (refused.kind != ERROR_CONFLICT) {
            *err = refused;
            return false;
        }
    }
    progress_step(aws->progress, "Function '%s' successfully created.", name);
    return true;
}

bool functions_update_code(const struct aws *aws, const char *name, const json_t *request,
                           struct error *err)
{
    owned(memory) char *path = function_path(VERSION, name, "/code");
    const struct aws_call call = {
        .service = "lambda",
        .operation = "UpdateFunctionCode",
        .method = "PUT",
        .path = path,
    };

    return function_ask(aws, &call, request, NULL, NULL, err);
}

bool functions_update_configuration(const struct aws *aws, const char *name,
                                    const json_t *request, struct error *err)
{
    owned(memory) char *path = function_path(VERSION, name, "/configuration");
    const struct aws_call call = {
        .service = "lambda",
        .operation = "UpdateFunctionConfiguration",
        .method = "PUT",
        .path = path,
    };

    return function_ask(aws, &call, request, NULL, NULL, err);
}

bool functions_tag(const struct aws *aws, const char *arn, json_t *tags, struct error *err)
{
    owned(text) struct text path = {0};
    json_owned json_t *request = json_pack("{s:O}", "Tags", tags);

    text_addf(&path, "/%s/tags/", TAGS_VERSION);
    text_add_escaped(&path, arn, "");
    const struct aws_call call = {
        .service = "lambda",
        .operation = "TagResource",
        .path = text_string(&path),
    };
    return function_ask(aws, &call, request, NULL, NULL, err);
}

static char *copy_or_empty(const char *text)
{
    return memory_copy_string(text ? text : "");
}

/* The supervisor's answer says where its logs are; AWS itself does not. */
static void read_log_names(const struct aws_answer *answer, struct invocation *out)
{
    json_owned json_t *json = NULL;
    struct error not_json;
    const json_t *headers = NULL;

    if (json_parse(answer->bytes, answer->count, &json, &not_json))
        headers = json_object_get(json, "headers");
    out->log_group = copy_or_empty(json_optional_string(headers, "amz-log-group-name"));
    out->log_stream = copy_or_empty(json_optional_string(headers, "amz-log-stream-name"));
}

static void read_invocation(struct aws_answer *answer, struct invocation *out)
{
    const char *tail = http_header(&answer->head, "X-Amz-Log-Result");
    struct error unreadable;
    size_t tail_count = 0;

    *out = (struct invocation){0};
    out->failed = http_header(&answer->head, "X-Amz-Function-Error") != NULL;
    out->request_id = copy_or_empty(http_header(&answer->head, "X-Amzn-RequestId"));
    if (tail && !base64_decode(tail, &out->log_tail, &tail_count, &unreadable))
        out->log_tail = NULL;
    read_log_names(answer, out);
    out->payload_count = answer->count;
    out->payload = take(&answer->bytes);
}

bool functions_invoke(const struct aws *aws, const char *name, const struct event *event,
                      struct invocation *out, struct error *err)
{
    owned(memory) char *path = function_path(VERSION, name, "/invocations");
    owned(aws_answer) struct aws_answer answer = {0};
    struct refusal refusal;
    const struct aws_call call = {
        .service = "lambda",
        .operation = "Invoke",
        .path = path,
        .headers = {{"X-Amz-Invocation-Type", "RequestResponse"}, {"X-Amz-Log-Type", "Tail"}},
        .silence_s = FUNCTIONS_SILENCE_S,
        .once = true,
    };

    if (event->count > FUNCTIONS_PAYLOAD_LIMIT)
        return error_set(err, ERROR_LIMIT, "a payload of %zu bytes; Lambda takes %d",
                         event->count, FUNCTIONS_PAYLOAD_LIMIT);
    if (!aws_send(aws, &call, event->payload, event->count, &answer, &refusal, err)) {
        bool missing = strcmp(refusal.code, "ResourceNotFoundException") == 0;
        return missing ? function_not_found(aws, name, err) : false;
    }
    read_invocation(&answer, out);
    return true;
}

bool functions_delete(const struct aws *aws, const char *name, struct error *err)
{
    owned(memory) char *path = function_path(VERSION, name, "");
    struct error refused;
    const struct aws_call call = {
        .service = "lambda",
        .operation = "DeleteFunction",
        .method = "DELETE",
        .path = path,
    };

    if (function_ask(aws, &call, NULL, NULL, NULL, &refused)) {
        progress_step(aws->progress, "Function '%s' successfully deleted.", name);
        return true;
    }
    if (refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}
