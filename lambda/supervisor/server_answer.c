/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/server_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"

static void drop_headers(struct server_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        free(answer->headers[i].name);
        free(answer->headers[i].value);
    }
    free(take(&answer->headers));
    answer->header_count = 0;
}

void server_answer_release(struct server_answer *answer)
{
    drop_headers(answer);
    text_release(&answer->body);
    *answer = (struct server_answer){0};
}

/* --- from the server --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void server_answer_add_line(struct server_answer *answer, const char *line, size_t count)
{
    const char *colon = memchr(line, ':', count);
    const char *end = line + count;

    if (count >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        drop_headers(answer); /* of an interim answer */
        return;
    }
    if (!colon || colon == line || answer->header_count == REQUEST_HEADERS_LIMIT)
        return;
    owned(memory) char *name = text_format("%.*s", (int)(colon - line), line);
    if (request_is_hop_header(name))
        return;

    const char *start = colon + 1;
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    answer->headers =
        memory_resize(answer->headers, answer->header_count + 1, sizeof *answer->headers);
    answer->headers[answer->header_count++] = (struct request_header){
        .name = take(&name),
        .value = text_format("%.*s", (int)(end - start), start),
    };
}

/* --- to the sender --- */

static json_t *string(const char *text)
{
    return json_lossy_string(text, strlen(text));
}

/* How the name was written first: in JSON it is there once. */
static const char *first_name(const struct server_answer *answer, size_t index)
{
    size_t i = 0;

    while (strcasecmp(answer->headers[i].name, answer->headers[index].name) != 0)
        i++;
    return answer->headers[i].name;
}

/* Every value in a list, and the last ones once more for load balancers that read no lists. */
static void add_headers_v1(json_t *response, const struct server_answer *answer)
{
    json_t *headers = json_object();
    json_t *lists = json_object();

    for (size_t i = 0; i < answer->header_count; i++) {
        const char *name = first_name(answer, i);
        json_t *list = json_object_get(lists, name);
        if (!list) {
            list = json_array();
            json_object_set_new(lists, name, list);
        }
        json_array_append_new(list, string(answer->headers[i].value));
        json_object_set_new(headers, name, string(answer->headers[i].value));
    }
    json_object_set_new(response, "headers", headers);
    json_object_set_new(response, "multiValueHeaders", lists);
}

/* Adds a value to that of the same name, but for cookies, which cannot be joined: true then. */
static bool join_value(json_t *headers, const char *name, const char *value)
{
    const char *before = json_string_value(json_object_get(headers, name));

    if (strcasecmp(name, "set-cookie") == 0)
        return true;
    owned(memory) char *joined =
        text_format("%s%s%s", before ? before : "", before ? ", " : "", value);
    json_object_set_new(headers, name, string(joined));
    return false;
}

static void add_headers_v2(json_t *response, const struct server_answer *answer)
{
    json_t *headers = json_object();
    json_t *cookies = json_array();

    for (size_t i = 0; i < answer->header_count; i++)
        if (join_value(headers, first_name(answer, i), answer->headers[i].value))
            json_array_append_new(cookies, string(answer->headers[i].value));
    json_object_set_new(response, "headers", headers);
    json_object_set_new(response, "cookies", cookies);
}

/* A load balancer takes one value for each name, and names that differ in case for different
 * ones: the `index`th has the case of its letters from the bits of that. */
static void vary_case(char *name, unsigned int index)
{
    for (; *name; name++) {
        if (*name == '-')
            continue;
        if (index & 1)
            *name ^= 'a' ^ 'A';
        index >>= 1;
    }
}

static void add_headers_elb(json_t *response, const struct server_answer *answer)
{
    json_t *headers = json_object();
    unsigned int cookies = 0;

    for (size_t i = 0; i < answer->header_count; i++) {
        char name[] = "Set-Cookie";
        if (!join_value(headers, first_name(answer, i), answer->headers[i].value))
            continue;
        vary_case(name, cookies++);
        json_object_set_new(headers, name, string(answer->headers[i].value));
    }
    json_object_set_new(response, "headers", headers);
}

static void add_body(json_t *response, const struct text *body)
{
    json_t *plain = json_stringn(text_string(body), body->length);
    owned(memory) char *encoded = plain ? NULL : base64_encode(body->bytes, body->length);

    json_object_set_new(response, "isBase64Encoded", json_boolean(!plain));
    json_object_set_new(response, "body", plain ? plain : json_string(encoded));
}

char *server_answer_response(struct server_answer *answer, enum request_form form,
                             size_t *count)
{
    if (form == REQUEST_DIRECT) {
        *count = answer->body.length;
        return text_take(&answer->body);
    }
    json_owned json_t *response = json_object();
    json_object_set_new(response, "statusCode", json_integer(answer->status));
    if (form == REQUEST_V1)
        add_headers_v1(response, answer);
    else if (form == REQUEST_ELB)
        add_headers_elb(response, answer);
    else
        add_headers_v2(response, answer);
    add_body(response, &answer->body);

    char *text = json_text(response);
    *count = strlen(text);
    return text;
}
