/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests become events, and what functions answer becomes responses, or a 502.
 */
#include "lambda/local/http_event.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

static const struct http_event_place place = {
    .host = "127.0.0.1:9000", .peer = "127.0.0.1", .request_id = "id", .now = 1700000000};

#define FORWARDED(peers)                                                                       \
    "\"x-forwarded-for\":\"" peers                                                             \
    "\",\"x-forwarded-port\":\"9000\",\"x-forwarded-proto\":\"http\""

/* The event of a request, whose member `name` is an object or the event itself (NULL). */
static json_t *event_of(const char *bytes, size_t count)
{
    struct error err;
    struct http_request request = {0};
    json_t *event;

    http_request_add(&request, bytes, count);
    assert_int_equal(request.state, REQUEST_COMPLETE);
    owned(memory) char *text = http_event_make(&request, &place);
    assert_ok(json_parse(text, strlen(text), &event, &err));
    http_request_release(&request);
    return event;
}

static void requests_become_events(void **state)
{
    (void)state;
    static const struct {
        const char *request, *member, *expected; /* as JSON; NULL: none */
    } cases[] = {
        {"GET /a HTTP/1.1\r\n\r\n", "rawPath", "\"/a\""},
        {"GET /a?x=1 HTTP/1.1\r\n\r\n", "rawPath", "\"/a\""},
        {"GET /a HTTP/1.1\r\n\r\n", "rawQueryString", "\"\""},
        {"GET /a HTTP/1.1\r\n\r\n", "queryStringParameters", NULL},
        {"GET /?a=1&b=%41+%zz&a=2&&=9&c HTTP/1.1\r\n\r\n", "queryStringParameters",
         "{\"a\":\"1,2\",\"b\":\"A %zz\",\"c\":\"\"}"},
        {"GET /?a=1&b=%4 HTTP/1.1\r\n\r\n", "queryStringParameters",
         "{\"a\":\"1\",\"b\":\"%4\"}"},
        {"GET /?a=%00b HTTP/1.1\r\n\r\n", "queryStringParameters", "{\"a\":\"b\"}"},
        {"GET / HTTP/1.1\r\nA: 1\r\na: 2\r\nCookie: x=1; y=2\r\n\r\n", "headers",
         "{\"a\":\"1,2\"," FORWARDED("127.0.0.1") "}"},
        {"GET / HTTP/1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n",
         "headers", "{" FORWARDED("10.0.0.1,127.0.0.1") "}"},
        {"GET / HTTP/1.1\r\nCookie: x=1; y=2\r\nCookie: z=3;\r\n\r\n", "cookies",
         "[\"x=1\",\"y=2\",\"z=3\"]"},
        {"GET / HTTP/1.1\r\n\r\n", "cookies", NULL},
        {"GET / HTTP/1.1\r\nA: \xff\r\n\r\n", "headers",
         "{\"a\":\"\xef\xbf\xbd\"," FORWARDED("127.0.0.1") "}"},
        {"GET / HTTP/1.1\r\n\r\n", "body", NULL},
        {"GET / HTTP/1.1\r\n\r\n", "isBase64Encoded", "false"},
        {"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi", "body", "\"aGk=\""},
        {"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi", "body",
         "\"hi\""},
        {"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
         "Content-Length: 3\r\n\r\na=b",
         "body", "\"YT1i\""},
        {"POST / HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\n\xff", "body",
         "\"/w==\""},
        {"GET / HTTP/1.1\r\n\r\n", "version", "\"2.0\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *event = event_of(cases[i].request, strlen(cases[i].request));
        json_t *member = json_object_get(event, cases[i].member);
        assert_int_equal(member != NULL, cases[i].expected != NULL);
        owned(memory) char *text =
            member ? json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        if (text)
            assert_string_equal(text, cases[i].expected);
    }
}

static void the_context_says_who_asked_and_when(void **state)
{
    (void)state;
    static const char bytes[] = "PATCH /p?q HTTP/1.1\r\nUser-Agent: me\r\n\r\n";
    json_owned json_t *event = event_of(bytes, strlen(bytes));
    json_t *context = json_object_get(event, "requestContext");
    json_t *http = json_object_get(context, "http");

    assert_string_equal(json_optional_string(context, "requestId"), "id");
    assert_string_equal(json_optional_string(context, "domainName"), "127.0.0.1:9000");
    assert_string_equal(json_optional_string(context, "time"), "14/Nov/2023:22:13:20 +0000");
    assert_int_equal(json_integer_value(json_object_get(context, "timeEpoch")), 1700000000000);
    assert_string_equal(json_optional_string(http, "method"), "PATCH");
    assert_string_equal(json_optional_string(http, "path"), "/p");
    assert_string_equal(json_optional_string(http, "sourceIp"), "127.0.0.1");
    assert_string_equal(json_optional_string(http, "userAgent"), "me");
}

static void answers_become_responses(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        int status;
        const char *type, *fields, *body;
    } cases[] = {
        {"{\"a\":1}", 200, "application/json", "", "{\"a\":1}"},
        {"\"words\"", 200, "application/json", "", "\"words\""},
        {"no json", 200, "application/json", "", "no json"},
        {"", 200, "application/json", "", ""},
        {"{\"statusCode\":404}", 404, "application/json", "", ""},
        {"{\"statusCode\":\"201\",\"body\":\"b\"}", 201, "application/json", "", "b"},
        {"{\"statusCode\":200,\"body\":{\"a\":[1]}}", 200, "application/json", "",
         "{\"a\":[1]}"},
        {"{\"statusCode\":200,\"body\":null}", 200, "application/json", "", ""},
        {"{\"statusCode\":200,\"body\":\"aGk=\",\"isBase64Encoded\":true}", 200,
         "application/json", "", "hi"},
        {"{\"statusCode\":200,\"headers\":{\"Content-Type\":\"text/x\",\"A\":1,\"B\":\"b\"}}",
         200, "text/x", "A: 1\r\nB: b\r\n", ""},
        {"{\"statusCode\":200,\"headers\":{\"Content-Length\":\"9\",\"connection\":\"x\"}}",
         200, "application/json", "", ""},
        {"{\"statusCode\":200,\"cookies\":[\"a=1\",\"b=2\"]}", 200, "application/json",
         "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n", ""},
        {"{\"statusCode\":200,\"a\":1,\"a\":2,\"body\":\"twice\"}", 200, "application/json", "",
         "twice"},
        {"{\"statusCode\":200,\"headers\":{\"A\":\"b\\u0000c\"}}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"cookies\":[\"a\\u0000b\"]}", 502, NULL, "", NULL},
        {"{\"statusCode\":99}", 502, NULL, "", NULL},
        {"{\"statusCode\":600}", 502, NULL, "", NULL},
        {"{\"statusCode\":4294967496}", 502, NULL, "", NULL},
        {"{\"statusCode\":[]}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"headers\":{\"A\":\"b\\r\\nC: d\"}}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"headers\":{\"A: x\":\"b\"}}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"cookies\":[\"a\\nb\"]}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"cookies\":[1]}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"body\":\"!\",\"isBase64Encoded\":true}", 502, NULL, "", NULL},
        {"{\"statusCode\":200,\"isBase64Encoded\":true}", 502, NULL, "", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(http_answer) struct http_answer answer;
        const char *body = cases[i].body ? cases[i].body : "Internal Server Error";
        http_event_answer(cases[i].payload, strlen(cases[i].payload), NULL, &answer);
        assert_int_equal(answer.status, cases[i].status);
        assert_string_equal(answer.content_type,
                            cases[i].type ? cases[i].type : "application/json");
        assert_string_equal(text_string(&answer.fields), cases[i].fields);
        assert_int_equal(answer.count, strlen(body));
        assert_memory_equal(answer.body, body, answer.count);
    }
}

#define SEPARATOR "\0\0\0\0\0\0\0\0"

static void streamed_answers_have_their_head_in_front(void **state)
{
    (void)state;
    static const char type[] = "application/vnd.awslambda.http-integration-response";
    static const struct {
        const char *payload;
        size_t count;
        int status;
        const char *fields, *body;
    } cases[] = {
#define STREAM(text) text, sizeof(text) - 1
        {STREAM("{\"statusCode\":201,\"headers\":{\"A\":\"b\"}}" SEPARATOR "body"), 201,
         "A: b\r\n", "body"},
        {STREAM("{}" SEPARATOR), 200, "", ""},
        {STREAM("{\"statusCode\":\"no\"}" SEPARATOR "body"), 502, "", NULL},
        {STREAM("{\"headers\":{\"A\":\"\\n\"}}" SEPARATOR "body"), 502, "", NULL},
        {STREAM("{}body"), 502, "", NULL},
        {STREAM("{" SEPARATOR "body"), 502, "", NULL},
        {STREAM(""), 502, "", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(http_answer) struct http_answer answer;
        const char *body = cases[i].body ? cases[i].body : "Internal Server Error";
        http_event_answer(cases[i].payload, cases[i].count, type, &answer);
        assert_int_equal(answer.status, cases[i].status);
        assert_string_equal(text_string(&answer.fields), cases[i].fields);
        assert_int_equal(answer.count, strlen(body));
        assert_memory_equal(answer.body, body, answer.count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_become_events),
        cmocka_unit_test(the_context_says_who_asked_and_when),
        cmocka_unit_test(answers_become_responses),
        cmocka_unit_test(streamed_answers_have_their_head_in_front),
    };
    return cmocka_run_group_tests_name("http_event", tests, NULL, NULL);
}
