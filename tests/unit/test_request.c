/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/request.h"

#include "lambda/supervisor/server_answer.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define V2(method, more) "{\"requestContext\":{\"http\":{\"method\":\"" method "\"}}" more "}"

static bool read_request(const char *event, struct request *out, struct error *err)
{
    return request_read(event, strlen(event), out, err);
}

static void the_first_line_says_what_the_event_says(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        enum request_form form;
        const char *method, *target;
    } table[] = {
        {"{}", REQUEST_DIRECT, "POST", "/"},
        {"no JSON", REQUEST_DIRECT, "POST", "/"},
        {"", REQUEST_DIRECT, "POST", "/"},
        {"[{\"httpMethod\":\"GET\"}]", REQUEST_DIRECT, "POST", "/"},
        {"{\"httpMethod\":7}", REQUEST_DIRECT, "POST", "/"},
        {"{\"httpMethod\":\"GET\"}", REQUEST_V1, "GET", "/"},
        {"{\"httpMethod\":\"PUT\",\"path\":\"a/b\"}", REQUEST_V1, "PUT", "/a/b"},
        {"{\"httpMethod\":\"GET\",\"path\":\"/a b?c#d\\\"\\r\\n\"}", REQUEST_V1, "GET",
         "/a%20b%3Fc%23d%22%0D%0A"},
        {"{\"httpMethod\":\"GET\",\"path\":\"/%41%4%zz%\"}", REQUEST_V1, "GET",
         "/%41%254%25zz%25"},
        {"{\"httpMethod\":\"GET\",\"path\":\"/../x//y\"}", REQUEST_V1, "GET", "/../x//y"},
        {"{\"httpMethod\":\"GET\",\"queryStringParameters\":{\"q\":\"a b&c\",\"n\":7,"
         "\"e\":\"\"}}",
         REQUEST_V1, "GET", "/?q=a%20b%26c&e="},
        {"{\"httpMethod\":\"GET\",\"queryStringParameters\":{\"q\":\"2\"},"
         "\"multiValueQueryStringParameters\":{\"q\":[\"1\",\"2\"]}}",
         REQUEST_V1, "GET", "/?q=1&q=2"},
        {"{\"httpMethod\":\"GET\",\"requestContext\":{\"elb\":{}},"
         "\"queryStringParameters\":{\"q\":\"a%20b c\"}}",
         REQUEST_ELB, "GET", "/?q=a%20b%20c"},
        {"{\"httpMethod\":\"GET\",\"requestContext\":{\"elb\":{}},\"multiValueHeaders\":{},"
         "\"multiValueQueryStringParameters\":{\"q\":[\"%C3\",\"2\"]}}",
         REQUEST_V1, "GET", "/?q=%C3&q=2"},
        {V2("GET", ""), REQUEST_V2, "GET", "/"},
        {V2("GET", ",\"rawPath\":\"/p\",\"rawQueryString\":\"a=1&b=%20?\""), REQUEST_V2, "GET",
         "/p?a=1&b=%20?"},
        {V2("GET", ",\"rawQueryString\":\"%00=%00\","
                   "\"queryStringParameters\":{\"\\u0000\":\"\\u0000\"}"),
         REQUEST_V2, "GET", "/?%00=%00"},
        {"{\"httpMethod\":\"GET\",\"queryStringParameters\":{\"q\":\"a\\u0000b\","
         "\"r\":\"1\"}}",
         REQUEST_V1, "GET", "/?r=1"},
        {V2("M-SEARCH", ",\"rawQueryString\":\"a#b\\r\\nc\""), REQUEST_V2, "M-SEARCH",
         "/?a%23b%0D%0Ac"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(request) struct request request = {0};
        assert_ok(read_request(table[i].event, &request, &err));
        assert_int_equal(request.form, table[i].form);
        assert_string_equal(request.method, table[i].method);
        assert_string_equal(request.target, table[i].target);
    }
}

static void headers_are_passed_on_unless_they_leave_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *name, *value; /* NULL: there is none */
    } table[] = {
        {"\"headers\":{\"X-A\":\"1\"}", "x-a", "1"},
        {"\"headers\":{\"X-A\":\"\"}", "x-a", ""},
        {"\"headers\":{\"X-A\":\"a\\tb \\u00fc\"}", "X-A", "a\tb \xc3\xbc"},
        {"\"headers\":{\"X-A\":\"a\\nX-B: 1\"}", "X-A", NULL},
        {"\"headers\":{\"X-A:\":\"1\"}", "X-A:", NULL},
        {"\"headers\":{\"\":\"1\"}", "", NULL},
        {"\"headers\":{\"X-A\":7}", "X-A", NULL},
        {"\"headers\":{\"TRANSFER-encoding\":\"chunked\"}", "transfer-encoding", NULL},
        {"\"headers\":{\"content-Length\":\"7\"}", "content-length", NULL},
        {"\"headers\":{\"lambda-runtime-trace-id\":\"x\"}", "lambda-runtime-trace-id", NULL},
        {"\"cookies\":[\"a=1\",7,\"x\\r\\ny\",\"b=2\"]", "Cookie", "a=1; b=2"},
        {"\"headers\":{\"cookie\":\"z\"},\"cookies\":[\"a=1\"]", "cookie", "a=1"},
        {"\"headers\":[\"X-A\"]", "X-A", NULL},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(request) struct request request = {0};
        owned(memory) char *event = text_format(V2("GET", ",%s"), table[i].headers);
        assert_ok(read_request(event, &request, &err));
        const char *value = request_header(&request, table[i].name);
        assert_true(!value == !table[i].value);
        if (value)
            assert_string_equal(value, table[i].value);
    }
}

static void a_header_of_ours_takes_the_place_of_theirs(void **state)
{
    (void)state;
    owned(request) struct request request = {0};
    struct error err;

    assert_ok(read_request(V2("GET", ",\"headers\":{\"x-a\":\"1\"}"), &request, &err));
    request_set_header(&request, "X-A", "2");
    request_set_header(&request, "X-B", "3");
    assert_int_equal(request.header_count, 2);
    assert_string_equal(request_header(&request, "x-a"), "2");
    assert_string_equal(request_header(&request, "x-b"), "3");
}

static void bodies_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *event, *body; /* NULL: none */
        size_t count;
    } table[] = {
        {"{ \"a\": 1}", "{ \"a\": 1}", 9},
        {"{\"httpMethod\":\"GET\"}", NULL, 0},
        {"{\"httpMethod\":\"GET\",\"body\":null}", NULL, 0},
        {"{\"httpMethod\":\"POST\",\"body\":\"\"}", "", 0},
        {"{\"httpMethod\":\"POST\",\"body\":\"eHg=\"}", "eHg=", 4},
        {"{\"httpMethod\":\"POST\",\"body\":\"eHg=\",\"isBase64Encoded\":true}", "xx", 2},
        {V2("POST", ",\"body\":\"a\\u0000b\""), "a\0b", 3},
        {V2("POST", ",\"body\":\"AAE=\",\"isBase64Encoded\":true"), "\0\1", 2},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(request) struct request request = {0};
        assert_ok(read_request(table[i].event, &request, &err));
        assert_int_equal(request.body_count, table[i].count);
        assert_true(!request.body == !table[i].body);
        if (request.body)
            assert_memory_equal(request.body, table[i].body, table[i].count);
    }
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *event, *reason;
    } table[] = {
        {"{\"httpMethod\":\"\"}", "event: '' is no method"},
        {V2("GET / HTTP/1.1\\r\\nX: ", ""), "event: 'GET / HTTP/1.1  X: ' is no method"},
        {V2("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", ""), "is no method"},
        {V2("POST", ",\"body\":{}"), "event.body: not a string"},
        {V2("POST", ",\"body\":\"*\",\"isBase64Encoded\":true"), "event.body: not base64"},
        {V2("POST", ",\"body\":\"eHg=\\u0000\",\"isBase64Encoded\":true"),
         "event.body: not base64"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        struct request request = {0};
        assert_fails(read_request(table[i].event, &request, &err), ERROR_INVALID,
                     table[i].reason);
        assert_null(request.method);
    }
}

static void too_many_headers_are_refused(void **state)
{
    (void)state;
    owned(text) struct text event = {0};
    struct request request = {0};
    struct error err;

    text_add(&event, "{\"httpMethod\":\"GET\",\"headers\":{\"a\":\"\"");
    for (int i = 0; i < REQUEST_HEADERS_LIMIT; i++)
        text_addf(&event, ",\"x%d\":\"\"", i);
    text_add(&event, "}}");
    assert_fails(read_request(text_string(&event), &request, &err), ERROR_LIMIT,
                 "event.headers: more than 1000");
}

/* --- answers --- */

static void answers_are_as_their_senders_want_them(void **state)
{
    (void)state;
    static const char *const lines[] = {"HTTP/1.1 100 Continue\r\n",
                                        "X-Early: 1\r\n",
                                        "\r\n",
                                        "HTTP/1.1 201 Created\r\n",
                                        "X-A:  1 \r\n",
                                        "Set-Cookie: a=1\r\n",
                                        "x-a: 2\r\n",
                                        "SET-COOKIE: b=2\r\n",
                                        "Content-Length: 7\r\n",
                                        "Connection: close\r\n",
                                        "Empty:\r\n",
                                        ": nothing\r\n",
                                        "no header\r\n",
                                        "Latin: \xfc\r\n",
                                        "\r\n"};
    static const struct {
        enum request_form form;
        const char *body;
        size_t count;
        const char *response;
    } table[] = {
        {REQUEST_DIRECT, "\0\xff", 2, "\0\xff"},
        {REQUEST_DIRECT, "", 0, ""},
        {REQUEST_V1, "words", 5,
         "{\"body\":\"words\",\"headers\":{\"Empty\":\"\",\"Latin\":\"\xef\xbf\xbd\","
         "\"Set-Cookie\":\"b=2\",\"X-A\":\"2\"},\"isBase64Encoded\":false,"
         "\"multiValueHeaders\":{\"Empty\":[\"\"],\"Latin\":[\"\xef\xbf\xbd\"],"
         "\"Set-Cookie\":[\"a=1\",\"b=2\"],\"X-A\":[\"1\",\"2\"]},\"statusCode\":201}"},
        {REQUEST_V2, "\xff\xfe", 2,
         "{\"body\":\"//4=\",\"cookies\":[\"a=1\",\"b=2\"],\"headers\":{\"Empty\":\"\","
         "\"Latin\":\"\xef\xbf\xbd\",\"X-A\":\"1, 2\"},\"isBase64Encoded\":true,"
         "\"statusCode\":201}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(server_answer) struct server_answer answer = {.status = 201};
        size_t count;
        for (size_t j = 0; j < COUNT(lines); j++)
            server_answer_add_line(&answer, lines[j], strlen(lines[j]));
        text_add_bytes(&answer.body, table[i].body, table[i].count);
        owned(memory) char *response = server_answer_response(&answer, table[i].form, &count);
        if (table[i].form == REQUEST_DIRECT) {
            assert_int_equal(count, table[i].count);
            assert_memory_equal(response, table[i].response, count);
        } else {
            assert_string_equal(response, table[i].response);
            assert_int_equal(count, strlen(response));
        }
    }
}

static void an_answer_keeps_so_many_headers_and_no_more(void **state)
{
    (void)state;
    owned(server_answer) struct server_answer answer = {0};

    for (int i = 0; i < 2 * REQUEST_HEADERS_LIMIT; i++)
        server_answer_add_line(&answer, "X-A: 1\r\n", 8);
    assert_int_equal(answer.header_count, REQUEST_HEADERS_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_says_what_the_event_says),
        cmocka_unit_test(headers_are_passed_on_unless_they_leave_their_line),
        cmocka_unit_test(a_header_of_ours_takes_the_place_of_theirs),
        cmocka_unit_test(bodies_are_decoded),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(too_many_headers_are_refused),
        cmocka_unit_test(answers_are_as_their_senders_want_them),
        cmocka_unit_test(an_answer_keeps_so_many_headers_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
