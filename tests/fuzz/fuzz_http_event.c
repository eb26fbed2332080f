/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever request comes in, its event is JSON; whatever a function answers, its response has
 * a status, and header lines that are lines.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lambda/local/http_event.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

static void becomes_an_event(const char *bytes, size_t count)
{
    static const struct http_event_place place = {
        .host = "127.0.0.1:9000", .peer = "::1", .request_id = "id", .now = 1};
    struct http_request request = {0};
    json_owned json_t *event = NULL;
    struct error err;

    http_request_add(&request, bytes, count);
    if (request.state == REQUEST_COMPLETE) {
        owned(memory) char *text = http_event_make(&request, &place);
        bool parsed = json_parse(text, strlen(text), &event, &err);
        assert(parsed && json_object_get(event, "requestContext"));
        assert((request.body.length > 0) == (json_object_get(event, "body") != NULL));
    }
    http_request_release(&request);
}

static void is_lines(const struct text *fields)
{
    const char *line = text_string(fields);

    assert(strlen(line) == fields->length);
    while (*line) {
        const char *end = strstr(line, "\r\n");
        const char *colon = strchr(line, ':');
        assert(end && colon && colon > line && colon < end);
        assert(strcspn(line, "\r\n") == (size_t)(end - line));
        line = end + 2;
    }
}

static void becomes_a_response(const char *bytes, size_t count, const char *type)
{
    owned(http_answer) struct http_answer answer;

    http_event_answer(bytes, count, type, &answer);
    assert(answer.status >= 200 && answer.status <= 599);
    assert(answer.content_type && !strpbrk(answer.content_type, "\r\n") && answer.body);
    is_lines(&answer.fields);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const char *text = (const char *)bytes;

    becomes_an_event(text, count);
    becomes_a_response(text, count, NULL);
    becomes_a_response(text, count, "application/vnd.awslambda.http-integration-response");
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "GET /a%20b?x=1&x=%41+&y HTTP/1.1\r\nHost: h\r\nCookie: a=1; b=2\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody",
        "{\"statusCode\":201,\"headers\":{\"A\":\"b\",\"C\":1},\"cookies\":[\"a=1\"],"
        "\"body\":\"aGk=\",\"isBase64Encoded\":true}",
        "{\"statusCode\":\"200\",\"body\":{\"a\":[1]}}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
