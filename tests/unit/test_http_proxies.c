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

static void a_host_may_be_named_with_its_port(void **state)
{
    (void)state;
    static const struct {
        const char *none;
        const char *url;
        bool directly;
    } cases[] = {
        {"NO_PROXY=a.lan:5000", "https://a.lan:5000/v2/", true},
        {"NO_PROXY=x, A.lan:5000 ,y", "https://a.LAN:5000/v2/", true},
        {"NO_PROXY=a.lan:5000", "http://a.lan:5000/v2/", true},
        {"NO_PROXY=a.lan:5000", "https://a.lan:5001/v2/", false},
        {"NO_PROXY=a.lan:5000", "https://a.lan:15000/v2/", false},
        {"NO_PROXY=a.lan:5000", "https://a.lan/v2/", false},
        {"NO_PROXY=a.lan:443", "https://a.lan/v2/", true},
        {"NO_PROXY=a.lan:80", "http://a.lan/v2/", true},
        {"NO_PROXY=lan:5000", "https://a.lan:5000/v2/", true},
        {"NO_PROXY=.lan:5000", "https://a.lan:5000/v2/", true},
        {"NO_PROXY=*.lan:5000", "https://a.lan:5000/v2/", true},
        {"NO_PROXY=a.lan:50000", "https://a.lan:5000/v2/", false},
        {"NO_PROXY=an:5000", "https://a.lan:5000/v2/", false},
        {"NO_PROXY=:5000", "https://a.lan:5000/v2/", false},
        {"NO_PROXY=*:5000", "https://a.lan:5000/v2/", false},
        {"NO_PROXY=[fd00::5]:5000", "https://[fd00::5]:5000/v2/", true},
        {"NO_PROXY=[fd00::5]:443", "https://[fd00::5]/v2/", true},
        {"NO_PROXY=fd00::5", "https://[fd00::5]/v2/", false}, /* libcurl knows it */
        {"NO_PROXY=192.0.2.1:5000", "https://192.0.2.1:5000/v2/", true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const environment[] = {"all_proxy=http://c", cases[i].none, NULL};
        struct http_proxies proxies;
        http_proxies_read(environment, &proxies);
        const char *proxy = http_proxies_for(&proxies, cases[i].url);
        if (strcmp(proxy, cases[i].directly ? "" : "http://c") != 0)
            fail_msg("%s: %s", cases[i].none, cases[i].url);
        http_proxies_release(&proxies);
    }
}

static void who_uses_a_proxy_is_not_told(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Unsupported proxy syntax in 'http://user:secret@host:x'",
         "Unsupported proxy syntax in 'http://host:x'"},
        {"Unsupported proxy syntax in 'user:secret@host:x': Malformed input",
         "Unsupported proxy syntax in 'host:x': Malformed input"},
        {"Unsupported proxy scheme for 'a://user:se@cr'et://@host'",
         "Unsupported proxy scheme for 'a://host'"},
        {"Unsupported proxy syntax in 'http://host:x'",
         "Unsupported proxy syntax in 'http://host:x'"},
        {"Couldn't connect to server", "Couldn't connect to server"},
        {"", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *sentence = memory_copy_string(cases[i][0]);
        http_proxies_hide_user(sentence);
        assert_string_equal(sentence, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxies_are_found_under_each_name),
        cmocka_unit_test(what_is_beside_us_is_asked_directly),
        cmocka_unit_test(a_host_may_be_named_with_its_port),
        cmocka_unit_test(who_uses_a_proxy_is_not_told),
    };
    return cmocka_run_group_tests_name("http_proxies", tests, NULL, NULL);
}
