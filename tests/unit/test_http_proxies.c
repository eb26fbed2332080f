/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proxies: those curl's users name, and none in front of this machine or what a cloud puts
 * beside it.
 */
#include "registry/http_proxies.h"

#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

static bool lists(const char *none, const char *host)
{
    owned(memory) char *hosts = text_format(",%s,", none);
    owned(memory) char *wanted = text_format(",%s,", host);

    return strstr(hosts, wanted);
}

static void proxies_are_found_under_each_name(void **state)
{
    (void)state;
    static const struct {
        const char *environment[4];
        const char *http;
        const char *https;
    } cases[] = {
        {{NULL}, "", ""},
        {{"http_proxy=http://a", "https_proxy=http://b"}, "http://a", "http://b"},
        {{"HTTP_PROXY=http://a", "HTTPS_PROXY=http://b"}, "", "http://b"},
        {{"all_proxy=http://c"}, "http://c", "http://c"},
        {{"ALL_PROXY=http://c", "https_proxy=http://b"}, "http://c", "http://b"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_proxies proxies;
        http_proxies_read(cases[i].environment, &proxies);
        assert_string_equal(proxies.http, cases[i].http);
        assert_string_equal(proxies.https, cases[i].https);
        http_proxies_release(&proxies);
    }
}

static void what_is_beside_us_is_asked_directly(void **state)
{
    (void)state;
    static const char *const always[] = {"localhost",       "127.0.0.1",     "::1",
                                         "169.254.169.254", "169.254.170.2", "169.254.170.23",
                                         "fd00:ec2::254",   "fd00:ec2::23"};
    const char *const environment[] = {"all_proxy=http://c", "NO_PROXY=.example", NULL};
    const char *const everybody[] = {"no_proxy=*", NULL};
    struct http_proxies proxies;

    http_proxies_read(environment, &proxies);
    for (size_t i = 0; i < COUNT(always); i++)
        assert_true(lists(proxies.none, always[i]));
    assert_true(lists(proxies.none, ".example"));
    http_proxies_release(&proxies);
    http_proxies_read(everybody, &proxies);
    assert_string_equal(proxies.none, "*");
    http_proxies_release(&proxies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxies_are_found_under_each_name),
        cmocka_unit_test(what_is_beside_us_is_asked_directly),
    };
    return cmocka_run_group_tests_name("http_proxies", tests, NULL, NULL);
}
