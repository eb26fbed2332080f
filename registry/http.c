/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { READ_BYTES = 16 * 1024 };

bool http_exchange(struct http *http, const struct http_request *request,
                   struct http_response *out, struct error *err)
{
    return http->ops->exchange(http, request, out, err);
}

bool http_try_again(struct http *http, unsigned int tries, const struct http_response *refusal)
{
    return http->ops->try_again && http->ops->try_again(http, tries, refusal);
}

bool http_status_may_pass(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

bool http_read_answer(struct http_response *response, size_t limit, char **answer,
                      size_t *answer_count, struct error *err)
{
    owned(text) struct text text = {0};
    char buffer[READ_BYTES];

    for (;;) {
        size_t count;
        if (!source_read(response->body, buffer, sizeof buffer, &count, err))
            return false;
        if (count == 0)
            break;
        if (count > limit - text.length)
            return error_set(err, ERROR_LIMIT, "the answer is larger than %zu bytes", limit);
        text_add_bytes(&text, buffer, count);
    }
    *answer_count = text.length;
    *answer = text_take(&text);
    return true;
}

bool http_exchange_bytes(struct http *http, const struct http_request *request,
                         const void *body, size_t body_count, size_t limit,
                         struct http_response *out, char **answer, size_t *answer_count,
                         struct error *err)
{
    owned(source) struct source *source = body ? memory_source(body, body_count) : NULL;
    owned(http_response) struct http_response response = {0};
    struct http_request whole = *request;

    whole.body = source;
    whole.body_size = body_count;
    if (!http_exchange(http, &whole, &response, err))
        return false;
    if (!http_read_answer(&response, limit, answer, answer_count, err)) {
        owned(memory) char *url = http_url_for_people(request->url);
        return err->kind == ERROR_LIMIT ? error_wrap(err, "%s %s", request->method, url)
                                        : false;
    }
    *out = response;
    response = (struct http_response){0};
    return true;
}

/* Bytes that were read already, and what follows them. */
struct peeked_source {
    struct source source;
    char *bytes;
    struct source *beginning;
    struct source *rest;
};

static bool peeked_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                        struct error *err)
{
    struct peeked_source *peeked = (struct peeked_source *)self;

    if (!source_read(peeked->beginning, bytes, capacity, count, err))
        return false;
    return *count > 0 || source_read(peeked->rest, bytes, capacity, count, err);
}

static void peeked_free(struct source *self)
{
    struct peeked_source *peeked = (struct peeked_source *)self;

    source_free(peeked->beginning);
    source_free(peeked->rest);
    free(peeked->bytes);
    free(peeked);
}

static const struct source_ops peeked_ops = {.read = peeked_read, .free = peeked_free};

char *http_peek_answer(struct http_response *response, size_t limit)
{
    struct peeked_source *peeked = memory_new(1, sizeof *peeked);
    char *bytes = memory_new(limit + 1, 1);
    struct error ignored; /* the reader of the rest meets it again */
    size_t total = 0;
    size_t count;

    while (total < limit &&
           source_read(response->body, bytes + total, limit - total, &count, &ignored) &&
           count > 0)
        total += count;
    *peeked = (struct peeked_source){
        {&peeked_ops}, bytes, memory_source(bytes, total), response->body};
    response->body = &peeked->source;
    return memory_copy_string(bytes);
}

void http_add_header(struct http_request *request, const char *name, const char *value)
{
    size_t count = 0;

    while (count < HTTP_HEADERS_LIMIT && request->headers[count].name)
        count++;
    assert(count < HTTP_HEADERS_LIMIT);
    request->headers[count] = (struct http_header){name, value};
}

const char *http_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

bool http_date_parse(const char *text, time_t *out)
{
    struct tm utc = {0};
    const char *rest = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &utc);

    if (!rest || *rest)
        return false;
    *out = timegm(&utc);
    return true;
}

/* The parts of "scheme://user:password@host:port/path?query" that we tell apart. */
struct url_parts {
    size_t scheme;      /* bytes, with "://" */
    const char *host;   /* with its port, without the user */
    size_t host_length; /* bytes */
    const char *path;   /* begins where the host ends */
    size_t path_length; /* bytes, up to query and fragment */
};

static struct url_parts url_split(const char *url)
{
    struct url_parts parts = {0};
    const char *colon = strstr(url, "://");

    parts.scheme = colon ? (size_t)(colon - url) + 3 : 0;
    parts.host = url + parts.scheme;
    parts.path = parts.host + strcspn(parts.host, "/?#");
    for (const char *c = parts.host; c < parts.path; c++)
        if (*c == '@')
            parts.host = c + 1;
    parts.host_length = (size_t)(parts.path - parts.host);
    parts.path_length = strcspn(parts.path, "?#");
    return parts;
}

char *http_url_for_people(const char *url)
{
    struct url_parts parts = url_split(url);
    struct text text = {0};

    text_add_bytes(&text, url, parts.scheme);
    text_add_bytes(&text, parts.host, parts.host_length + parts.path_length);
    return text_take(&text);
}

char *http_url_origin(const char *url)
{
    struct url_parts parts = url_split(url);
    struct text text = {0};

    text_add_bytes(&text, url, parts.scheme);
    text_add_bytes(&text, parts.host, parts.host_length);

    char *origin = text_take(&text);
    for (char *c = origin; *c; c++)
        *c = (char)tolower((unsigned char)*c);

    const char *usual_port = strncmp(origin, "https:", 6) == 0 ? ":443" : ":80";
    size_t length = strlen(origin);
    size_t port_length = strlen(usual_port);
    if (length > port_length && strcmp(origin + length - port_length, usual_port) == 0)
        origin[length - port_length] = '\0';
    return origin;
}

bool http_url_is_loopback(const char *url)
{
    owned(memory) char *origin = http_url_origin(url);
    char *host = origin + url_split(origin).scheme;

    if (strncmp(host, "[::1]", 5) == 0)
        return host[5] == '\0' || host[5] == ':';
    host[strcspn(host, ":")] = '\0';

    struct in_addr address;
    return strcmp(host, "localhost") == 0 ||
           (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

void http_response_release(struct http_response *response)
{
    for (size_t i = 0; i < response->header_count; i++) {
        free(response->headers[i].name);
        free(response->headers[i].value);
    }
    free(response->headers);
    free(response->url);
    source_free(response->body);
    *response = (struct http_response){0};
}

void http_free(struct http *http)
{
    if (http)
        http->ops->free(http);
}
