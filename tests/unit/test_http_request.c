/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is put together from whatever pieces it comes in, or refused.
 */
#include "lambda/local/http_request.h"

#include <stdio.h>

#include "oci/base/memory.h"
#include "tests/support/unit.h"

static void requests_are_read_whatever_pieces_they_come_in(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *method, *target, *body;
        bool is_last;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "GET", "/", "", false},
        {"GET /a HTTP/1.0\r\nHost: x\r\n\r\n", "GET", "/a", "", true},
        {"GET /a HTTP/1.1\r\nconnection:CLOSE\r\n\r\n", "GET", "/a", "", true},
        {"POST /b HTTP/1.1\r\nContent-Length:  5 \r\n\r\nhello", "POST", "/b", "hello", false},
        {"POST /b HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "POST", "/b", "", false},
        {"POST /c HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
         "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer: t\r\n\r\n",
         "POST", "/c", "hello!", false},
        {"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST", "/c", "",
         false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t count = strlen(cases[i].bytes);
        for (size_t piece = 1; piece <= count; piece++) {
            struct http_request request = {0};
            size_t used = 0;
            while (used < count && request.state < REQUEST_COMPLETE) {
                size_t left = count - used < piece ? count - used : piece;
                used += http_request_add(&request, cases[i].bytes + used, left);
            }
            assert_int_equal(request.state, REQUEST_COMPLETE);
            assert_int_equal(used, count);
            assert_string_equal(request.method, cases[i].method);
            assert_string_equal(request.target, cases[i].target);
            assert_string_equal(text_string(&request.body), cases[i].body);
            assert_int_equal(request.is_last, cases[i].is_last);
            const char *trailer = http_request_field(&request.trailers, "trailer");
            assert_int_equal(trailer != NULL, strstr(cases[i].bytes, "Trailer: t") != NULL);
            http_request_release(&request);
        }
    }
}

static void what_follows_a_request_is_not_its_own(void **state)
{
    (void)state;
    static const char two[] =
        "POST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\n";
    struct http_request request = {0};

    size_t used = http_request_add(&request, two, strlen(two));
    assert_int_equal(request.state, REQUEST_COMPLETE);
    assert_string_equal(two + used, "GET / HTTP/1.1\r\n");
    http_request_release(&request);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int status;
    } cases[] = {
        {"\r\n\r\n", 400},
        {"nonsense\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\n\r\n", 400},
        {"GET  HTTP/1.1\r\n\r\n", 400},
        {"AVERYLONGMETHODNAME / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n: empty\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA : space\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: 0x10\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 2\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_request request = {0};
        http_request_add(&request, cases[i].bytes, strlen(cases[i].bytes));
        if (request.state != REQUEST_BROKEN || request.status != cases[i].status)
            fail_msg("'%s': state %d, status %d", cases[i].bytes, request.state,
                     request.status);
        http_request_release(&request);
    }

    struct http_request request = {0};
    static const char with_nul[] = "GET / HTTP/1.1\r\nA: \0b\r\n\r\n";
    http_request_add(&request, with_nul, sizeof with_nul - 1);
    assert_int_equal(request.state, REQUEST_BROKEN);
    http_request_release(&request);

    http_request_add(&request, "GET / HTTP/1.1\r\n", 16);
    for (int i = 0; i < REQUEST_HEAD_LIMIT && request.state == REQUEST_HEAD; i += 8)
        http_request_add(&request, "A: bcd\r\n", 8);
    assert_int_equal(request.state, REQUEST_BROKEN);
    assert_int_equal(request.status, 431);
    http_request_release(&request);
}

static void fields_are_found_by_name_and_stepped_through(void **state)
{
    (void)state;
    static const char bytes[] = "GET / HTTP/1.1\r\nHost: x\r\nAccept:\ta \r\nEmpty:\r\n"
                                "ACCEPT: b\r\n\r\n";
    static const char *const expected[] = {"host",  "x", "accept", "a",
                                           "empty", "",  "accept", "b"};
    struct http_request request = {0};
    size_t count = 0;

    assert_null(http_request_field(&request.fields, "host"));
    http_request_add(&request, bytes, strlen(bytes));
    assert_string_equal(http_request_field(&request.fields, "accept"), "a");
    assert_string_equal(http_request_field(&request.fields, "empty"), "");
    assert_null(http_request_field(&request.fields, "x"));
    for (const char *at = NULL; (at = http_request_next_field(&request.fields, at));) {
        assert_true(count < COUNT(expected));
        assert_string_equal(at, expected[count++]);
        assert_string_equal(http_request_value(at), expected[count++]);
    }
    assert_int_equal(count, COUNT(expected));
    http_request_release(&request);
}

static void lengths_have_limits(void **state)
{
    (void)state;
    struct http_request request = {0};
    owned(memory) char *target = memory_new(REQUEST_TARGET_LIMIT + 1, 1);
    owned(text) struct text bytes = {0};

    memset(target, 'a', REQUEST_TARGET_LIMIT);
    text_addf(&bytes, "GET /%s HTTP/1.1\r\n\r\n", target);
    http_request_add(&request, bytes.bytes, bytes.length);
    assert_int_equal(request.state, REQUEST_BROKEN);
    assert_int_equal(request.status, 400);
    http_request_release(&request);

    static const char chunked[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    http_request_add(&request, chunked, strlen(chunked));
    for (int i = 0; i <= 2 * REQUEST_HEAD_LIMIT && request.state == REQUEST_BODY; i += 8)
        http_request_add(&request, "A: bcd\r\n", 8);
    assert_int_equal(request.state, REQUEST_BROKEN);
    assert_true(request.trailers.length <= REQUEST_HEAD_LIMIT);
    http_request_release(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read_whatever_pieces_they_come_in),
        cmocka_unit_test(what_follows_a_request_is_not_its_own),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(fields_are_found_by_name_and_stepped_through),
        cmocka_unit_test(lengths_have_limits),
    };
    return cmocka_run_group_tests_name("http_request", tests, NULL, NULL);
}
