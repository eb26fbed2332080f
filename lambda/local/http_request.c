/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/http_request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/memory.h"

enum { LENGTH_DIGITS = 15, CHUNK_LINE_LIMIT = 256 };

static void refuse(struct http_request *request, int status)
{
    request->state = REQUEST_BROKEN;
    request->status = status;
}

/* Copies the word up to `end` and steps over it; false when it is empty or too long. */
static bool take_word(const char **at, char end, char *word, size_t capacity)
{
    const char *stop = strchr(*at, end);
    size_t count = stop ? (size_t)(stop - *at) : 0;

    if (count == 0 || count >= capacity)
        return false;
    memcpy(word, *at, count);
    word[count] = '\0';
    *at = stop + 1;
    return true;
}

static bool read_request_line(struct http_request *request, const char *line)
{
    char target[REQUEST_TARGET_LIMIT];

    if (!take_word(&line, ' ', request->method, sizeof request->method) ||
        !take_word(&line, ' ', target, sizeof target))
        return false;
    request->target = memory_copy_string(target);
    request->is_last = strcmp(line, "HTTP/1.0") == 0;
    return request->is_last || strcmp(line, "HTTP/1.1") == 0;
}

static bool read_length(struct http_request *request, const char *value)
{
    size_t digits = strspn(value, "0123456789");

    if (digits == 0 || digits > LENGTH_DIGITS || value[digits] != '\0')
        return false;
    uint64_t length = strtoull(value, NULL, 10);
    if (request->has_length && request->left != length)
        return false;
    request->has_length = true;
    request->left = length;
    return true;
}

/* "Name: value" into `fields`; `*name` and `*value` are borrowed from there. */
static bool read_field(struct text *fields, const char *line, const char **name,
                       const char **value)
{
    const char *colon = strchr(line, ':');
    if (!colon || colon == line || isspace((unsigned char)colon[-1]) ||
        isspace((unsigned char)*line))
        return false;
    const char *from = colon + 1 + strspn(colon + 1, " \t");
    size_t count = strlen(from);
    while (count > 0 && strchr(" \t", from[count - 1]))
        count--;

    size_t begin = fields->length;
    text_add_bytes(fields, line, (size_t)(colon - line));
    for (size_t i = begin; i < fields->length; i++)
        fields->bytes[i] = (char)tolower((unsigned char)fields->bytes[i]);
    text_add_bytes(fields, "", 1);
    size_t middle = fields->length;
    text_add_bytes(fields, from, count);
    text_add_bytes(fields, "", 1);
    *name = fields->bytes + begin;
    *value = fields->bytes + middle;
    return true;
}

static bool read_header(struct http_request *request, const char *line)
{
    const char *name, *value;

    if (!read_field(&request->fields, line, &name, &value))
        return false;
    if (strcmp(name, "content-length") == 0)
        return read_length(request, value);
    if (strcmp(name, "transfer-encoding") == 0) {
        request->chunk = CHUNK_SIZE;
        return strcasecmp(value, "chunked") == 0;
    }
    if (strcmp(name, "expect") == 0)
        request->expects_continue = strcasecmp(value, "100-continue") == 0;
    if (strcmp(name, "connection") == 0 && strcasecmp(value, "close") == 0)
        request->is_last = true;
    return true;
}

/* Reads the lines of the head, which are cut apart on the way. */
static bool read_head(struct http_request *request)
{
    char *line = request->head.bytes;

    for (bool first = true; *line != '\0'; first = false) {
        char *end = strstr(line, "\r\n");
        if (!end)
            return false;
        *end = '\0';
        if (!(first ? read_request_line(request, line) : read_header(request, line)))
            return false;
        line = end + 2;
    }
    bool is_chunked = request->chunk != CHUNK_NONE;
    request->state = is_chunked || request->left > 0 ? REQUEST_BODY : REQUEST_COMPLETE;
    return !is_chunked || !request->has_length; /* two lengths: what smuggling is made of */
}

static size_t add_to_head(struct http_request *request, const char *bytes, size_t count)
{
    struct text *head = &request->head;
    size_t before = head->length;
    size_t room = REQUEST_HEAD_LIMIT - before;

    text_add_bytes(head, bytes, count < room ? count : room);
    size_t from = before > 3 ? before - 3 : 0;
    const char *end = memmem(head->bytes + from, head->length - from, "\r\n\r\n", 4);
    if (!end) {
        if (head->length == REQUEST_HEAD_LIMIT)
            refuse(request, 431);
        return head->length - before;
    }
    size_t length = (size_t)(end - head->bytes) + 2;
    head->bytes[length] = '\0'; /* the last header's line end stays */
    if (strlen(head->bytes) != length || !read_head(request))
        refuse(request, 400);
    return length + 2 - before;
}

static size_t add_to_body(struct http_request *request, const char *bytes, size_t count)
{
    size_t used = request->left < count ? (size_t)request->left : count;
    size_t room = REQUEST_BODY_LIMIT - request->body.length;

    text_add_bytes(&request->body, bytes, used < room ? used : room);
    request->body_size += used;
    request->left -= used;
    return used;
}

/* Reads a line around chunks. */
static bool read_chunk_line(struct http_request *request, const char *line)
{
    if (request->chunk == CHUNK_END) {
        request->chunk = CHUNK_SIZE;
        return *line == '\0';
    }
    if (request->chunk == CHUNK_TRAILER) {
        const char *name, *value;
        if (*line == '\0')
            request->state = REQUEST_COMPLETE;
        return *line == '\0' || (request->trailers.length + strlen(line) < REQUEST_HEAD_LIMIT &&
                                 read_field(&request->trailers, line, &name, &value));
    }
    size_t digits = strspn(line, "0123456789abcdefABCDEF");
    if (digits == 0 || digits > LENGTH_DIGITS || (line[digits] && line[digits] != ';'))
        return false;
    request->left = strtoull(line, NULL, 16);
    request->chunk = request->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    return true;
}

/* `head` is over and holds the unfinished line. */
static size_t add_to_chunk_line(struct http_request *request, const char *bytes, size_t count)
{
    struct text *line = &request->head;
    const char *end = memchr(bytes, '\n', count);
    size_t used = end ? (size_t)(end - bytes) : count;

    size_t limit =
        request->chunk == CHUNK_TRAILER ? (size_t)REQUEST_HEAD_LIMIT : (size_t)CHUNK_LINE_LIMIT;

    if (line->length + used > limit) {
        refuse(request, 400);
        return count;
    }
    text_add_bytes(line, bytes, used);
    if (!end)
        return used;
    bool is_line = line->length > 0 && line->bytes[line->length - 1] == '\r' &&
                   strlen(line->bytes) == line->length;
    if (is_line)
        line->bytes[--line->length] = '\0';
    if (!is_line || !read_chunk_line(request, line->bytes))
        refuse(request, 400);
    line->length = 0;
    return used + 1;
}

size_t http_request_add(struct http_request *request, const char *bytes, size_t count)
{
    size_t used = 0;

    while (used < count && request->state == REQUEST_HEAD) {
        used += add_to_head(request, bytes + used, count - used);
        if (request->state == REQUEST_BODY)
            text_release(&request->head); /* from now on for the lines around chunks */
    }
    while (used < count && request->state == REQUEST_BODY) {
        if (request->chunk == CHUNK_NONE || request->chunk == CHUNK_DATA)
            used += add_to_body(request, bytes + used, count - used);
        else
            used += add_to_chunk_line(request, bytes + used, count - used);
        if (request->left == 0 && request->chunk == CHUNK_NONE)
            request->state = REQUEST_COMPLETE;
        if (request->left == 0 && request->chunk == CHUNK_DATA)
            request->chunk = CHUNK_END;
    }
    return used;
}

const char *http_request_value(const char *name)
{
    return name + strlen(name) + 1;
}

const char *http_request_next_field(const struct text *fields, const char *at)
{
    const char *next = fields->bytes;

    if (at) {
        const char *value = http_request_value(at);
        next = value + strlen(value) + 1;
    }
    return fields->length > 0 && next < fields->bytes + fields->length ? next : NULL;
}

const char *http_request_field(const struct text *fields, const char *name)
{
    for (const char *at = NULL; (at = http_request_next_field(fields, at));)
        if (strcmp(at, name) == 0)
            return http_request_value(at);
    return NULL;
}

void http_request_release(struct http_request *request)
{
    free(request->target);
    text_release(&request->body);
    text_release(&request->fields);
    text_release(&request->trailers);
    text_release(&request->head);
    *request = (struct http_request){0};
}
