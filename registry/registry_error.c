/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_error.h"

#include <stdio.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { ANSWER_LIMIT = 64 * 1024 }; /* bytes */

static void clip(char *out, size_t capacity, const char *text)
{
    snprintf(out, capacity, "%s", text ? text : "");
}

/* {"errors": [{"code": …, "message": …}]}, or of a token server {"details": …} and others'
 * {"error": …, "message": …}. */
static void read_json(const json_t *json, struct registry_reason *out)
{
    const json_t *first = json_array_get(json_object_get(json, "errors"), 0);
    const char *code = json_optional_string(first ? first : json, first ? "code" : "error");
    const char *message = json_optional_string(first ? first : json, "message");

    if (!message)
        message = json_optional_string(json, "details");
    clip(out->code, sizeof out->code, code);
    clip(out->message, sizeof out->message, message);
}

static void read_answer(struct http_response *response, struct registry_reason *out)
{
    owned(memory) char *answer = NULL;
    json_owned json_t *json = NULL;
    struct error ignored;
    size_t count;

    if (!http_read_answer(response, ANSWER_LIMIT, &answer, &count, &ignored))
        return;
    if (json_parse(answer, count, &json, &ignored)) {
        read_json(json, out);
        return;
    }
    const char *type = http_header(response, "Content-Type");
    if (type && strncmp(type, "text/plain", 10) == 0) {
        answer[strcspn(answer, "\r\n")] = '\0';
        clip(out->message, sizeof out->message, answer);
    }
}

/* It may be longer than we wait, and then the user can. */
static void add_wait(const struct http_response *response, struct registry_reason *out)
{
    const char *wait = http_header(response, "Retry-After");
    size_t length = strlen(out->message);

    if (wait && *wait && strspn(wait, "0123456789") == strlen(wait))
        snprintf(out->message + length, sizeof out->message - length, "%stry again in %.10s s",
                 length > 0 ? "; " : "", wait);
}

void registry_reason_read(struct http_response *response, struct registry_reason *out)
{
    *out = (struct registry_reason){0};
    read_answer(response, out);
    if (response->status == 429 || response->status == 503)
        add_wait(response, out);
}

static enum error_kind kind_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERROR_DENIED;
    case 404:
        return ERROR_NOT_FOUND;
    case 409:
        return ERROR_CONFLICT;
    case 408:
    case 429:
        return ERROR_NETWORK;
    default:
        return status >= 500 ? ERROR_NETWORK : ERROR_INVALID;
    }
}

bool registry_reason_error(const struct http_request *request, int status,
                           const struct registry_reason *reason, struct error *err)
{
    owned(memory) char *url = http_url_for_people(request->url);

    return error_set(err, kind_of(status), "%s %.300s: %d%s%s%s%s", request->method, url,
                     status, reason->code[0] ? " " : "", reason->code,
                     reason->message[0] ? ": " : "", reason->message);
}

bool registry_error(const struct http_request *request, struct http_response *response,
                    struct error *err)
{
    struct registry_reason reason;

    registry_reason_read(response, &reason);
    return registry_reason_error(request, response->status, &reason, err);
}
