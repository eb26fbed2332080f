/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every transport shares: URLs that may be shown, hosts that are told
 * apart, and answers that have a limit.
 */
#include "registry/http.h"

#include "oci/base/memory.h"
#include "tests/support/scripted_http.h"
#include "tests/support/unit.h"

static void people_see_neither_secrets_nor_queries(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *shown;
    } cases[] = {
        {"https://host/v2/a", "https://host/v2/a"},
        {"https://host:5000/v2/a?token=secret&b", "https://host:5000/v2/a"},
        {"https://user:secret@host/a#secret", "https://host/a"},
        {"https://user:secret@more@host/a", "https://host/a"},
        {"https://host?secret@x", "https://host"},
        {"https://host/a@b", "https://host/a@b"},
        {"user:secret@host", "host"},
        {"", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *shown = http_url_for_people(cases[i].url);
        assert_string_equal(shown, cases[i].shown);
    }
}

static void equal_origins_are_equal_strings(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *origin;
    } cases[] = {
        {"https://Host.Example/A", "https://host.example"},
        {"HTTPS://host:443/A", "https://host"},
        {"http://host:80?x", "http://host"},
        {"http://host:443", "http://host:443"},
        {"https://host:80/", "https://host:80"},
        {"http://[::1]:80/x", "http://[::1]"},
        {"https://host@evil.example/", "https://evil.example"},
        {"https://evil.example/@host/", "https://evil.example"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *origin = http_url_origin(cases[i].url);
        assert_string_equal(origin, cases[i].origin);
    }
}

static void this_machine_is_known_by_all_its_names(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool loopback;
    } cases[] = {
        {"http://localhost", true},
        {"http://LocalHost:5000/v2/", true},
        {"http://127.0.0.1:1", true},
        {"http://127.255.3.4", true},
        {"http://[::1]", true},
        {"http://[::1]:5000/", true},
        {"http://localhost.example", false},
        {"http://127.0.0.1.example", false},
        {"http://localhost@example", false},
        {"http://128.0.0.1", false},
        {"http://[::1].example", false},
        {"http://[::2]", false},
        {"http://example/127.0.0.1", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        if (http_url_is_loopback(cases[i].url) != cases[i].loopback)
            fail_msg("%s", cases[i].url);
}

static void an_answer_has_a_limit(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"POST", "/a?secret", .body = "ask", .status = 200, .answer = "12345"},
        {"POST", "/a?secret", .body = "", .status = 200, .answer = "12345"},
        {"POST", "/a?secret", .status = 204},
    };
    struct error err;
    struct scripted_http scripted;
    struct http_request request = {.method = "POST", .url = "https://host/a?secret"};
    struct http_response response = {0};
    char *answer = NULL;
    size_t count;

    scripted_http_init(&scripted, script, COUNT(script));
    assert_ok(http_exchange_bytes(&scripted.http, &request, "ask", 3, 5, &response, &answer,
                                  &count, &err));
    assert_int_equal(count, 5);
    assert_string_equal(answer, "12345");
    free(answer);
    http_response_release(&response);

    assert_fails(http_exchange_bytes(&scripted.http, &request, "", 0, 4, &response, &answer,
                                     &count, &err),
                 ERROR_LIMIT, "POST https://host/a: the answer is larger than 4 bytes");

    assert_ok(http_exchange_bytes(&scripted.http, &request, NULL, 0, 4, &response, &answer,
                                  &count, &err));
    assert_int_equal(count, 0);
    assert_string_equal(answer, "");
    free(answer);
    http_response_release(&response);
    scripted_http_release(&scripted);
}

static void dates_are_read(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Sun, 30 Aug 2015 12:36:00",
                                        "Sun, 30 Aug 2015 12:36:00 GMT+1", "1440938160", ""};
    time_t time;

    assert_true(http_date_parse("Sun, 30 Aug 2015 12:36:00 GMT", &time));
    assert_int_equal(time, 1440938160);
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_false(http_date_parse(wrong[i], &time));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_see_neither_secrets_nor_queries),
        cmocka_unit_test(equal_origins_are_equal_strings),
        cmocka_unit_test(this_machine_is_known_by_all_its_names),
        cmocka_unit_test(an_answer_has_a_limit),
        cmocka_unit_test(dates_are_read),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
