/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/functions.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char FUNCTIONS_PATH[] = "/2015-03-31/functions";

enum { ROLE_PAUSE_S = 3, POLL_PAUSE_S = 1 };

/* The path of one function and of what belongs to it; a new string. */
static char *function_path(const char *name, const char *part)
{
    struct text path = {0};

    text_addf(&path, "%s/", FUNCTIONS_PATH);
    text_add_escaped(&path, name, "");
    text_add(&path, part);
    return text_take(&path);
}

static bool not_found(const struct aws *aws, const char *name, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "no function '%.80s' in region %s", name,
                     aws->region);
}

bool functions_get(const struct aws *aws, const char *name, json_t **out, struct error *err)
{
    owned(memory) char *path = function_path(name, "");
    json_owned json_t *answer = NULL;
    json_t *configuration = NULL;
    const struct aws_call call = {
        .service = "lambda",
        .operation = "GetFunction",
        .method = "GET",
        .path = path,
    };

    if (!aws_ask(aws, &call, NULL, &answer, NULL, err))
        return err->kind == ERROR_NOT_FOUND ? not_found(aws, name, err) : false;
    if (!json_field_object(answer, "Configuration", &configuration, err))
        return error_wrap(err, "lambda GetFunction");
    *out = take(&answer);
    return true;
}

/* Refusals of CreateFunction that time heals, and what is being waited for. */
static const struct {
    const char *words;
    const char *awaited;
} passing[] = {
    {"cannot be assumed by Lambda", "the role to be known to Lambda"},
    {"provided execution role does not have permissions",
     "the role's permissions to take effect"},
    {"KMS key is invalid for CreateGrant", "the key to be known to Lambda"},
    {"throttled by EC2", "EC2, which asks to slow down"},
    {"operation cannot be performed at this time", "an earlier change of the function"},
    {"currently in the following state", "an earlier change of the function"},
};

static const char *awaited_after(const struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strstr(refusal->message, passing[i].words))
            return passing[i].awaited;
    return NULL;
}

bool functions_create(const struct aws *aws, const char *name, const json_t *request,
                      struct error *err)
{
    const struct aws_call call = {
        .service = "lambda",
        .operation = "CreateFunction",
        .path = FUNCTIONS_PATH,
    };

    for (int waited_s = 0;; waited_s += ROLE_PAUSE_S) {
        struct refusal refusal;
        if (aws_ask(aws, &call, request, NULL, &refusal, err)) {
            progress_step(aws->progress, "Function '%s' successfully created.", name);
            return true;
        }
        const char *awaited = awaited_after(&refusal);
        if (!awaited && err->kind == ERROR_CONFLICT)
            return error_set(err, ERROR_CONFLICT,
                             "function '%.80s' already exists in region %s", name, aws->region);
        if (!awaited || waited_s >= FUNCTIONS_ROLE_WAIT_S)
            return false;
        if (waited_s == 0)
            progress_step(aws->progress, "Waiting for %s", awaited);
        clock_sleep(aws->clock, ROLE_PAUSE_S * 1000);
    }
}

enum state { STATE_READY, STATE_CHANGING, STATE_FAILED };

static bool is(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

/* Of a configuration. A function has one state for itself and one for its latest change. */
static enum state read_state(const json_t *configuration)
{
    const char *state = json_optional_string(configuration, "State");
    const char *update = json_optional_string(configuration, "LastUpdateStatus");

    if (is(state, "Failed") || is(update, "Failed"))
        return STATE_FAILED;
    if (is(state, "Pending") || is(update, "InProgress"))
        return STATE_CHANGING;
    return STATE_READY;
}

static bool failed(const char *name, const json_t *configuration, struct error *err)
{
    bool itself = is(json_optional_string(configuration, "State"), "Failed");
    const char *reason =
        json_optional_string(configuration, itself ? "StateReason" : "LastUpdateStatusReason");
    const char *code = json_optional_string(
        configuration, itself ? "StateReasonCode" : "LastUpdateStatusReasonCode");

    return error_set(err, ERROR_INVALID, "function '%.80s' failed to start: %.400s (%.80s)%s",
                     name, reason ? reason : "no reason given", code ? code : "no code",
                     itself ? "; remove it before making it again" : "");
}

bool functions_wait_until_active(const struct aws *aws, const char *name, char **arn,
                                 struct error *err)
{
    bool told = false;

    for (int waited_s = 0;; waited_s += POLL_PAUSE_S) {
        json_owned json_t *answer = NULL;
        struct error refused = {0};
        bool found = functions_get(aws, name, &answer, &refused);
        if (!found &&
            (refused.kind != ERROR_NOT_FOUND || waited_s >= FUNCTIONS_MISSING_WAIT_S)) {
            *err = refused;
            return false;
        }
        const json_t *configuration = json_object_get(answer, "Configuration");
        enum state state = found ? read_state(configuration) : STATE_CHANGING;
        if (state == STATE_FAILED)
            return failed(name, configuration, err);
        if (state == STATE_READY) {
            const char *found_arn = NULL;
            if (!json_field_string(configuration, "FunctionArn", &found_arn, err))
                return error_wrap(err, "lambda GetFunction");
            *arn = memory_copy_string(found_arn);
            if (told)
                progress_step(aws->progress, "Function 'Active'");
            return true;
        }
        if (waited_s >= FUNCTIONS_ACTIVE_WAIT_S)
            return error_set(
                err, ERROR_NETWORK,
                "function '%.80s' is not active after %d s; it may still become so", name,
                FUNCTIONS_ACTIVE_WAIT_S);
        if (!told)
            progress_step(aws->progress, "Wait function to be 'Active'");
        told = true;
        clock_sleep(aws->clock, POLL_PAUSE_S * 1000);
    }
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

bool functions_invoke(const struct aws *aws, const char *name, const char *payload,
                      size_t count, struct invocation *out, struct error *err)
{
    owned(memory) char *path = function_path(name, "/invocations");
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

    if (count > FUNCTIONS_PAYLOAD_LIMIT)
        return error_set(err, ERROR_LIMIT, "a payload of %zu bytes; Lambda takes %d", count,
                         FUNCTIONS_PAYLOAD_LIMIT);
    if (!aws_send(aws, &call, payload, count, &answer, &refusal, err)) {
        bool missing = strcmp(refusal.code, "ResourceNotFoundException") == 0;
        return missing ? not_found(aws, name, err) : false;
    }
    read_invocation(&answer, out);
    return true;
}

bool functions_delete(const struct aws *aws, const char *name, struct error *err)
{
    owned(memory) char *path = function_path(name, "");
    struct error refused;
    const struct aws_call call = {
        .service = "lambda",
        .operation = "DeleteFunction",
        .method = "DELETE",
        .path = path,
    };

    if (aws_ask(aws, &call, NULL, NULL, NULL, &refused)) {
        progress_step(aws->progress, "Function '%s' successfully deleted.", name);
        return true;
    }
    if (refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}
