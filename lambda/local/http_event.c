/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/http_event.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"

#define STREAMED "application/vnd.awslambda.http-integration-response"

enum { SEPARATOR_BYTES = 8 }; /* NULs between a streamed response's head and its body */

static json_t *text_value(const char *text)
{
    return json_lossy_string(text, strlen(text));
}

/* --- the event -----------------------------------------------------------------------------
 */

/* What is there already and the new value are joined by a comma, as HTTP has it. */
static void add_value(json_t *object, const char *name, const char *value)
{
    owned(memory) char *key = NULL;
    json_owned json_t *lossy = text_value(name); /* keys must be UTF-8, too */

    key = memory_copy_string(json_string_value(lossy));
    const char *former = json_optional_string(object, key);
    owned(memory) char *both = former ? text_format("%s,%s", former, value) : NULL;
    json_object_set_new(object, key, text_value(both ? both : value));
}

static void add_cookies(json_t *cookies, const char *value)
{
    while (*value) {
        size_t length = strcspn(value, ";");
        if (length > 0)
            json_array_append_new(cookies, json_lossy_string(value, length));
        value += length;
        value += strspn(value, "; ");
    }
}

static int hex_digit(char digit)
{
    const char *digits = "0123456789abcdef";
    const char *found = digit ? strchr(digits, tolower((unsigned char)digit)) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* A new string; what is no percent-encoding stays as it is. */
static char *decode(const char *text, size_t length)
{
    char *out = memory_new(length + 1, 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        bool is_code = text[i] == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 &&
                       hex_digit(text[i + 2]) >= 0;
        char byte = text[i] == '+' ? ' ' : text[i];
        if (is_code) {
            byte = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        if (byte != '\0')
            out[used++] = byte;
    }
    return out;
}

static json_t *query_parameters(const char *query)
{
    json_t *parameters = json_object();

    while (*query) {
        size_t length = strcspn(query, "&");
        const char *equals = memchr(query, '=', length);
        size_t name_length = equals ? (size_t)(equals - query) : length;
        owned(memory) char *name = decode(query, name_length);
        owned(memory) char *value =
            equals ? decode(equals + 1, length - name_length - 1) : memory_copy_string("");
        if (*name)
            add_value(parameters, name, value);
        query += length + (query[length] == '&');
    }
    return parameters;
}

/* Whether the body goes into the event as it is. */
static bool is_text(const struct http_request *request)
{
    static const char *const types[] = {"text/", "application/json", "application/javascript",
                                        "application/xml"};
    const char *type = http_request_field(&request->fields, "content-type");
    json_owned json_t *value = json_stringn(text_string(&request->body), request->body.length);

    if (!type || !value || strlen(json_string_value(value)) != request->body.length)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strncasecmp(type, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}

static void set_body(json_t *event, const struct http_request *request)
{
    const struct text *body = &request->body;
    bool is_plain = body->length == 0 || is_text(request);

    json_object_set_new(event, "isBase64Encoded", json_boolean(!is_plain));
    if (body->length == 0)
        return;
    owned(memory) char *encoded = is_plain ? NULL : base64_encode(body->bytes, body->length);
    json_object_set_new(event, "body",
                        encoded ? json_string(encoded)
                                : json_stringn(body->bytes, body->length));
}

/* What Lambda's front says of the connection that it had. */
static void set_forwarded(json_t *headers, const struct http_event_place *place)
{
    const char *colon = strrchr(place->host, ':');

    add_value(headers, "x-forwarded-for", place->peer);
    json_object_set_new(headers, "x-forwarded-proto", json_string("http"));
    json_object_set_new(headers, "x-forwarded-port", text_value(colon ? colon + 1 : ""));
}

static json_t *request_context(const struct http_request *request, const char *path,
                               const struct http_event_place *place)
{
    const char *agent = http_request_field(&request->fields, "user-agent");
    const char *host = http_request_field(&request->fields, "host");
    char when[64];
    struct tm parts;

    gmtime_r(&place->now, &parts);
    strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S +0000", &parts);
    json_t *http = json_pack("{s:o, s:o, s:s, s:s, s:o}", "method", text_value(request->method),
                             "path", text_value(path), "protocol", "HTTP/1.1", "sourceIp",
                             place->peer, "userAgent", text_value(agent ? agent : ""));
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:s, s:s, s:I}", "accountId",
                     "anonymous", "apiId", "local", "domainName",
                     text_value(host ? host : place->host), "domainPrefix", "local", "http",
                     http, "requestId", place->request_id, "routeKey", "$default", "stage",
                     "$default", "time", when, "timeEpoch", (json_int_t)place->now * 1000);
}

char *http_event_make(const struct http_request *request, const struct http_event_place *place)
{
    const char *question = strchr(request->target, '?');
    const char *query = question ? question + 1 : "";
    size_t path_length =
        question ? (size_t)(question - request->target) : strlen(request->target);
    owned(memory) char *path = text_format("%.*s", (int)path_length, request->target);
    json_t *headers = json_object();
    json_t *cookies = json_array();

    for (const char *at = NULL; (at = http_request_next_field(&request->fields, at));) {
        if (strcmp(at, "cookie") == 0)
            add_cookies(cookies, http_request_value(at));
        else
            add_value(headers, at, http_request_value(at));
    }
    set_forwarded(headers, place);
    json_owned json_t *event =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "version", "2.0", "routeKey", "$default",
                  "rawPath", text_value(path), "rawQueryString", text_value(query), "headers",
                  headers, "requestContext", request_context(request, path, place));
    if (json_array_size(cookies) > 0)
        json_object_set(event, "cookies", cookies);
    json_decref(cookies);
    if (*query)
        json_object_set_new(event, "queryStringParameters", query_parameters(query));
    set_body(event, request);
    return json_text(event);
}

/* --- the answer ----------------------------------------------------------------------------
 */

void http_answer_release(struct http_answer *answer)
{
    free(answer->content_type);
    text_release(&answer->fields);
    free(answer->body);
    *answer = (struct http_answer){0};
}

static void set_plain(struct http_answer *out, int status, const char *type, const char *body,
                      size_t count)
{
    http_answer_release(out);
    out->status = status;
    out->content_type = memory_copy_string(type);
    out->body = memory_new(count + 1, 1);
    memcpy(out->body, body, count);
    out->count = count;
}

static void set_failure(struct http_answer *out)
{
    static const char words[] = "Internal Server Error";

    set_plain(out, 502, "application/json", words, strlen(words));
}

static bool read_status(const json_t *answer, int *out)
{
    const json_t *value = json_object_get(answer, "statusCode");
    long long status = json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                             : json_integer_value(value);

    *out = (int)status;
    return status >= 200 && status <= 599;
}

/* What connections say to each other is ours to say. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {"connection", "content-length", "keep-alive",
                                       "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

/* A header line, unless it would be two, or `value` is no text (NULL). */
static bool add_line(struct http_answer *out, const char *name, const char *value)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    if (!value || *name == '\0' || name[strspn(name, token)] != '\0' ||
        value[strcspn(value, "\r\n")])
        return false;
    if (is_ours(name))
        return true;
    if (strcasecmp(name, "content-type") == 0) {
        free(out->content_type);
        out->content_type = memory_copy_string(value);
    } else {
        text_addf(&out->fields, "%s: %s\r\n", name, value);
    }
    return true;
}

static bool add_lines(struct http_answer *out, const json_t *answer)
{
    json_t *headers = json_object_get(answer, "headers");
    const json_t *cookies = json_object_get(answer, "cookies");
    const json_t *each = NULL;
    const char *name;
    json_t *value;
    size_t i;

    json_object_foreach(headers, name, value)
    {
        owned(memory) char *other = json_is_string(value) ? NULL : json_text(value);
        if (!add_line(out, name, other ? other : json_plain_string(value)))
            return false;
    }
    json_array_foreach(cookies, i, each) if (!add_line(out, "Set-Cookie",
                                                       json_plain_string(each))) return false;
    return true;
}

static bool read_body(const json_t *answer, struct http_answer *out)
{
    const json_t *body = json_object_get(answer, "body");
    struct error not_base64;

    if (json_is_true(json_object_get(answer, "isBase64Encoded")))
        return json_plain_string(body) &&
               base64_decode(json_plain_string(body), &out->body, &out->count, &not_base64);
    if (!body || json_is_null(body)) {
        out->body = memory_copy_string("");
    } else if (json_is_string(body)) {
        out->count = json_string_length(body);
        out->body = memory_new(out->count + 1, 1);
        memcpy(out->body, json_string_value(body), out->count);
    } else {
        out->body = json_text(body);
        out->count = strlen(out->body);
    }
    return true;
}

static void read_streamed(const char *payload, size_t count, struct http_answer *out)
{
    static const char separator[SEPARATOR_BYTES];
    const char *end = count > 0 ? memmem(payload, count, separator, sizeof separator) : NULL;
    json_owned json_t *head = NULL;
    struct error not_json;

    if (!end || !json_parse_event(payload, (size_t)(end - payload), &head, &not_json)) {
        set_failure(out);
        return;
    }
    const char *body = end + sizeof separator;
    set_plain(out, 200, "application/octet-stream", body, (size_t)(payload + count - body));
    if ((json_object_get(head, "statusCode") && !read_status(head, &out->status)) ||
        !add_lines(out, head))
        set_failure(out);
}

void http_event_answer(const char *payload, size_t count, const char *content_type,
                       struct http_answer *out)
{
    json_owned json_t *answer = NULL;
    struct error not_json;

    *out = (struct http_answer){0};
    if (content_type && strncasecmp(content_type, STREAMED, strlen(STREAMED)) == 0) {
        read_streamed(payload, count, out);
        return;
    }
    bool is_response = json_parse_event(payload, count, &answer, &not_json) &&
                       json_object_get(answer, "statusCode");
    if (!is_response) {
        set_plain(out, 200, "application/json", payload, count);
        return;
    }
    out->content_type = memory_copy_string("application/json");
    if (!read_status(answer, &out->status) || !add_lines(out, answer) ||
        !read_body(answer, out))
        set_failure(out);
}
