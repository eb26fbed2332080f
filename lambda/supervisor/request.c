/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { METHOD_LIMIT = 32 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define TOKEN LETTERS DIGITS "!#$%&'*+-.^_`|~"

void request_release(struct request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        free(request->headers[i].name);
        free(request->headers[i].value);
    }
    free(request->headers);
    free(request->method);
    free(request->target);
    free(request->decoded);
    *request = (struct request){0};
}

/* --- headers --- */

bool request_is_hop_header(const char *name)
{
    static const char *const names[] = {"connection", "content-length",    "expect",
                                        "keep-alive", "proxy-connection",  "te",
                                        "trailer",    "transfer-encoding", "upgrade"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

static struct request_header *find_header(const struct request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return &request->headers[i];
    return NULL;
}

const char *request_header(const struct request *request, const char *name)
{
    const struct request_header *found = find_header(request, name);

    return found ? found->value : NULL;
}

static void append_header(struct request *request, const char *name, const char *value)
{
    request->headers =
        memory_resize(request->headers, request->header_count + 1, sizeof *request->headers);
    request->headers[request->header_count++] = (struct request_header){
        .name = memory_copy_string(name),
        .value = memory_copy_string(value),
    };
}

void request_set_header(struct request *request, const char *name, const char *value)
{
    struct request_header *found = find_header(request, name);

    if (!found) {
        append_header(request, name, value);
        return;
    }
    free(found->value);
    found->value = memory_copy_string(value);
}

static bool stays_in_its_line(const char *value)
{
    for (const char *c = value; *c; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7F)
            return false;
    return true;
}

/* The names of the Runtime API's own headers are for what it says. */
static bool is_passed_on(const char *name, const char *value)
{
    size_t length = strlen(name);

    return length > 0 && strspn(name, TOKEN) == length && stays_in_its_line(value) &&
           !request_is_hop_header(name) && strncasecmp(name, "lambda-runtime-", 15) != 0;
}

static bool add_header(struct request *request, const char *name, const json_t *value,
                       struct error *err)
{
    const char *text = json_plain_string(value);

    if (!text || !is_passed_on(name, text))
        return true;
    if (request->header_count == REQUEST_HEADERS_LIMIT)
        return error_set(err, ERROR_LIMIT, "event.headers: more than %d",
                         REQUEST_HEADERS_LIMIT);
    append_header(request, name, text);
    return true;
}

/* Each name has a text or a list of them. */
static bool add_headers(struct request *request, const json_t *headers, struct error *err)
{
    const char *name;
    json_t *value, *one;
    size_t i;

    json_object_foreach((json_t *)headers, name, value)
    {
        if (!add_header(request, name, value, err))
            return false;
        json_array_foreach(value, i,
                           one) if (!add_header(request, name, one, err)) return false;
    }
    return true;
}

/* The second format has them in a list of their own. */
static void add_cookies(struct request *request, const json_t *cookies)
{
    owned(text) struct text line = {0};
    json_t *cookie;
    size_t i;

    json_array_foreach(cookies, i, cookie)
    {
        const char *text = json_plain_string(cookie);
        if (text && stays_in_its_line(text))
            text_addf(&line, "%s%s", line.length ? "; " : "", text);
    }
    if (line.length > 0)
        request_set_header(request, "Cookie", text_string(&line));
}

/* --- the first line --- */

/* Adds what is percent-encoded already, or should be: what cannot stand in a request's line, or
 * would end its part of it, is encoded. */
static void add_encoded(struct text *target, const char *text, const char *also_allowed)
{
    for (const char *c = text; *c; c++) {
        bool is_escape = *c == '%' && strspn(c + 1, DIGITS "abcdefABCDEF") >= 2;
        if (is_escape || strchr(LETTERS DIGITS "-._~!$&'()*+,;=:@/", *c) ||
            strchr(also_allowed, *c))
            text_add_bytes(target, c, 1);
        else
            text_addf(target, "%%%02X", (unsigned int)(unsigned char)*c);
    }
}

static void add_path(struct text *target, const char *path)
{
    text_add(target, path && *path == '/' ? "" : "/");
    add_encoded(target, path ? path : "", "");
}

static bool is_of_load_balancer(const json_t *event)
{
    return json_object_get(json_object_get(event, "requestContext"), "elb");
}

/* A load balancer's are as the client wrote them; API Gateway's are decoded. */
static void add_parameter(struct text *target, const char *name, const json_t *value,
                          bool is_encoded)
{
    const char *parts[] = {name, json_plain_string(value)};
    const char *between[] = {strchr(target->bytes, '?') ? "&" : "?", "="};

    for (size_t i = 0; parts[1] && i < 2; i++) {
        text_add(target, between[i]);
        if (is_encoded)
            add_encoded(target, parts[i], "?");
        else
            text_add_escaped(target, parts[i], "");
    }
}

static void add_query(struct text *target, const json_t *event)
{
    const json_t *parameters = json_object_get(event, "multiValueQueryStringParameters");
    bool is_encoded = is_of_load_balancer(event);
    const char *name;
    json_t *value, *one;
    size_t i;

    if (!json_is_object(parameters))
        parameters = json_object_get(event, "queryStringParameters");
    json_object_foreach((json_t *)parameters, name, value)
    {
        add_parameter(target, name, value, is_encoded);
        json_array_foreach(value, i, one) add_parameter(target, name, one, is_encoded);
    }
}

static bool set_method(struct request *request, const char *method, struct error *err)
{
    size_t length = strlen(method);

    if (length == 0 || length > METHOD_LIMIT || strspn(method, TOKEN) != length)
        return error_set(err, ERROR_INVALID, "event: '%.80s' is no method", method);
    request->method = memory_copy_string(method);
    return true;
}

/* --- the body --- */

static bool set_body(struct request *request, const json_t *event, struct error *err)
{
    const json_t *body = json_object_get(event, "body");
    bool is_encoded = json_is_true(json_object_get(event, "isBase64Encoded"));
    struct error reason;

    if (!body || json_is_null(body))
        return true;
    if (!json_is_string(body))
        return error_set(err, ERROR_INVALID, "event.body: not a string");
    if (is_encoded) {
        const char *text = json_plain_string(body);
        if (!text || !base64_decode(text, &request->decoded, &request->body_count, &reason))
            return error_set(err, ERROR_INVALID,
                             "event.body: not base64, though isBase64Encoded says so");
    } else {
        request->body_count = json_string_length(body);
        request->decoded = memory_new(request->body_count + 1, 1);
        memcpy(request->decoded, json_string_value(body), request->body_count);
    }
    request->body = request->decoded;
    return true;
}

/* --- the formats --- */

static bool read_v1(struct request *request, const json_t *event, struct error *err)
{
    const json_t *headers = json_object_get(event, "multiValueHeaders");
    owned(text) struct text target = {0};

    request->form = REQUEST_V1;
    add_path(&target, json_optional_string(event, "path"));
    add_query(&target, event);
    request->target = text_take(&target);
    if (!json_is_object(headers)) {
        headers = json_object_get(event, "headers");
        if (is_of_load_balancer(event))
            request->form = REQUEST_ELB;
    }
    return set_method(request, json_optional_string(event, "httpMethod"), err) &&
           add_headers(request, headers, err) && set_body(request, event, err);
}

static bool read_v2(struct request *request, const json_t *event, const char *method,
                    struct error *err)
{
    const char *query = json_optional_string(event, "rawQueryString");
    owned(text) struct text target = {0};

    request->form = REQUEST_V2;
    add_path(&target, json_optional_string(event, "rawPath"));
    if (query && *query) {
        text_add(&target, "?");
        add_encoded(&target, query, "?");
    }
    request->target = text_take(&target);
    if (!set_method(request, method, err) ||
        !add_headers(request, json_object_get(event, "headers"), err))
        return false;
    add_cookies(request, json_object_get(event, "cookies"));
    return set_body(request, event, err);
}

static void be_direct(struct request *request, const char *bytes, size_t count)
{
    request->form = REQUEST_DIRECT;
    request->method = memory_copy_string("POST");
    request->target = memory_copy_string("/");
    request->body = bytes;
    request->body_count = count;
    append_header(request, "Content-Type", "application/json");
}

bool request_read(const char *bytes, size_t count, struct request *out, struct error *err)
{
    owned(request) struct request request = {0};
    json_owned json_t *event = NULL;
    struct error no_matter;

    bool is_json = json_parse_event(bytes, count, &event, &no_matter);
    const json_t *http = json_object_get(json_object_get(event, "requestContext"), "http");
    const char *method = json_optional_string(http, "method");
    if (is_json && json_optional_string(event, "httpMethod")) {
        if (!read_v1(&request, event, err))
            return false;
    } else if (method) {
        if (!read_v2(&request, event, method, err))
            return false;
    } else {
        be_direct(&request, bytes, count);
    }
    *out = request;
    request = (struct request){0};
    return true;
}
