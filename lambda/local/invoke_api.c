/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/invoke_api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lambda/local/local_platform.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

#define FUNCTIONS "/2015-03-31/functions/"
#define INVOCATIONS "/invocations"

__attribute__((format(printf, 4, 5))) static bool
refuse(struct invoke_refusal *refusal, int status, const char *type, const char *format, ...)
{
    va_list args;

    refusal->status = status;
    refusal->type = type;
    va_start(args, format);
    vsnprintf(refusal->message, sizeof refusal->message, format, args);
    va_end(args);
    return false;
}

bool invoke_api_is_meant(const struct http_request *request)
{
    return strncmp(request->target, "/20", 3) == 0 && strstr(request->target, "/functions");
}

/* "%3A" and "%24" are all that names and ARNs need. */
static void decode_name(char *name)
{
    char *to = name;

    for (const char *from = name; *from; to++) {
        bool is_colon = strncasecmp(from, "%3a", 3) == 0;
        bool is_dollar = strncmp(from, "%24", 3) == 0;
        *to = is_colon ? ':' : is_dollar ? '$' : *from;
        from += is_colon || is_dollar ? 3 : 1;
    }
    *to = '\0';
}

/* A name, a part of an ARN or all of it, with or without a version. */
static bool names_function(const char *asked, const char *name, const char *arn)
{
    static const char latest[] = ":$LATEST";
    size_t length = strlen(asked);
    const char *part = strstr(asked, "function:");

    if (length > strlen(latest) && strcmp(asked + length - strlen(latest), latest) == 0)
        length -= strlen(latest);
    if (strncmp(asked, "arn:", 4) == 0 && strncmp(asked, arn, strlen("arn:aws:lambda:")) != 0)
        return false;
    if (part) {
        part += strlen("function:");
        length -= (size_t)(part - asked);
        asked = part;
    }
    return length == strlen(name) && strncmp(asked, name, length) == 0;
}

static bool read_path(const struct http_request *request, const char *name, const char *arn,
                      struct invoke_refusal *refusal)
{
    const char *path = request->target;
    size_t length = strcspn(path, "?");
    size_t before = strlen(FUNCTIONS), after = strlen(INVOCATIONS);

    if (length <= before + after || strncmp(path, FUNCTIONS, before) != 0 ||
        strncmp(path + length - after, INVOCATIONS, after) != 0 ||
        strcmp(request->method, "POST") != 0)
        return refuse(refusal, 404, "UnknownOperationException",
                      "this place knows Invoke only: POST " FUNCTIONS "%s" INVOCATIONS, name);
    owned(memory) char *asked =
        text_format("%.*s", (int)(length - before - after), path + before);
    decode_name(asked);
    const char *qualifier = strstr(path + length, "Qualifier=");
    bool is_latest = !qualifier || strncmp(qualifier + 10, "$LATEST", 7) == 0 ||
                     strncmp(qualifier + 10, "%24LATEST", 9) == 0;
    if (is_latest && names_function(asked, name, arn))
        return true;
    return refuse(refusal, 404, "ResourceNotFoundException",
                  "Function not found: '%.140s'%s; this is '%s'", asked,
                  is_latest ? "" : " in that version", name);
}

static bool read_type(const struct http_request *request, struct invoke_call *out,
                      struct invoke_refusal *refusal)
{
    const char *type = http_request_field(&request->fields, "x-amz-invocation-type");

    if (!type || strcmp(type, "RequestResponse") == 0)
        out->type = INVOKE_SYNC;
    else if (strcmp(type, "Event") == 0)
        out->type = INVOKE_ASYNC;
    else if (strcmp(type, "DryRun") == 0)
        out->type = INVOKE_DRY;
    else
        return refuse(refusal, 400, "InvalidParameterValueException",
                      "the invocation type '%.40s' is none of RequestResponse, Event, DryRun",
                      type);
    return true;
}

static bool read_client_context(const struct http_request *request, struct invoke_call *out,
                                struct invoke_refusal *refusal)
{
    const char *encoded = http_request_field(&request->fields, "x-amz-client-context");
    owned(memory) char *bytes = NULL;
    json_owned json_t *context = NULL;
    struct error err;
    size_t count;

    if (!encoded)
        return true;
    if (strlen(encoded) > INVOKE_CONTEXT_LIMIT)
        return refuse(refusal, 400, "InvalidRequestContentException",
                      "the client context has more than %d bytes", INVOKE_CONTEXT_LIMIT);
    if (!base64_decode(encoded, &bytes, &count, &err) ||
        !json_parse(bytes, count, &context, &err))
        return refuse(refusal, 400, "InvalidRequestContentException",
                      "Client context must be a valid Base64-encoded JSON object.");
    out->client_context = json_text(context); /* on one line */
    return true;
}

static bool check_body(const struct http_request *request, const struct invoke_call *call,
                       struct invoke_refusal *refusal)
{
    uint64_t limit = call->type == INVOKE_ASYNC ? INVOKE_ASYNC_LIMIT : LOCAL_PAYLOAD_LIMIT;
    json_owned json_t *event = NULL;
    struct error err;

    if (request->body_size > limit)
        return refuse(
            refusal, 413, "RequestEntityTooLargeException",
            "Request must be smaller than %llu bytes for the InvokeFunction operation",
            (unsigned long long)limit);
    if (request->body_size > 0 &&
        !json_parse_event(request->body.bytes, request->body.length, &event, &err))
        return refuse(refusal, 400, "InvalidRequestContentException",
                      "Could not parse request body into json: %.300s", err.text);
    return true;
}

bool invoke_api_read(const struct http_request *request, const char *name, const char *arn,
                     struct invoke_call *out, struct invoke_refusal *refusal)
{
    const char *log = http_request_field(&request->fields, "x-amz-log-type");

    *out = (struct invoke_call){.wants_log = log && strcmp(log, "Tail") == 0};
    return read_path(request, name, arn, refusal) && read_type(request, out, refusal) &&
           check_body(request, out, refusal) && read_client_context(request, out, refusal);
}

void invoke_call_release(struct invoke_call *call)
{
    free(call->client_context);
    *call = (struct invoke_call){0};
}

char *invoke_refusal_body(const struct invoke_refusal *refusal)
{
    json_owned json_t *body =
        json_pack("{s:s, s:o}", "Type", refusal->status < 500 ? "User" : "Service", "Message",
                  json_lossy_string(refusal->message, strlen(refusal->message)));

    return json_text(body);
}

char *invoke_id_fields(const char *request_id)
{
    return text_format("x-amzn-RequestId: %s\r\n", request_id);
}

char *invoke_refusal_fields(const struct invoke_refusal *refusal, const char *request_id)
{
    owned(memory) char *id = invoke_id_fields(request_id);

    return text_format("%sx-amzn-ErrorType: %s\r\n", id, refusal->type);
}

char *invoke_answer_fields(const struct invocation *invocation, bool with_log)
{
    owned(memory) char *id = invoke_id_fields(invocation->request_id);
    struct text fields = {0};

    text_addf(&fields, "%sX-Amz-Executed-Version: $LATEST\r\n", id);
    if (invocation->failed)
        text_add(&fields, "X-Amz-Function-Error: Unhandled\r\n");
    if (with_log) {
        owned(memory) char *log =
            base64_encode(invocation->log_tail, strlen(invocation->log_tail));
        text_addf(&fields, "X-Amz-Log-Result: %s\r\n", log);
    }
    return text_take(&fields);
}
