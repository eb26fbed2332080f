/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms: one spelling inside, several outside, and variants that matter only
 * where both sides name one.
 */
#include "oci/platform_spec.h"

#include "oci/base/json.h"
#include "tests/support/unit.h"

static void spellings_become_one(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *same;
    } cases[] = {
        {"linux/amd64", "linux/amd64"},     {"linux/x86_64", "linux/amd64"},
        {"linux/aarch64", "linux/arm64"},   {"linux/arm64/v8", "linux/arm64/v8"},
        {"windows/amd64", "windows/amd64"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct platform_spec platform;
        assert_ok(platform_spec_parse(cases[i].text, &platform, &err));
        assert_string_equal(platform_spec_format(&platform).text, cases[i].same);
    }
}

static void what_is_no_platform_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "linux",
                                        "linux/",
                                        "/amd64",
                                        "linux/amd64/",
                                        "a/b/c/d",
                                        "li nux/x",
                                        "linux/"
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct platform_spec platform;
        assert_fails(platform_spec_parse(cases[i], &platform, &err), ERROR_USAGE,
                     "is not <os>/<architecture>");
    }
}

static void a_list_has_no_doubles(void **state)
{
    (void)state;
    struct error err;
    struct platform_spec list[PLATFORMS_LIMIT];
    size_t count;

    assert_ok(platform_spec_parse_list("linux/amd64,linux/arm64", list, &count, &err));
    assert_int_equal(count, 2);
    assert_fails(platform_spec_parse_list("linux/amd64,linux/x86_64", list, &count, &err),
                 ERROR_USAGE, "named twice");
    assert_fails(platform_spec_parse_list("linux/amd64,", list, &count, &err), ERROR_USAGE,
                 "is not");
}

static void variants_match_any_where_one_side_is_silent(void **state)
{
    (void)state;
    static const struct {
        const char *offered;
        const char *wanted;
        bool matches;
    } cases[] = {
        {"linux/arm64", "linux/arm64", true},    {"linux/arm64/v8", "linux/arm64", true},
        {"linux/arm64", "linux/arm64/v8", true}, {"linux/arm/v7", "linux/arm/v6", false},
        {"linux/amd64", "linux/arm64", false},   {"windows/amd64", "linux/amd64", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct platform_spec offered, wanted;
        assert_ok(platform_spec_parse(cases[i].offered, &offered, &err));
        assert_ok(platform_spec_parse(cases[i].wanted, &wanted, &err));
        assert_int_equal(platform_spec_matches(&offered, &wanted), cases[i].matches);
    }
}

static void documents_are_read_and_written(void **state)
{
    (void)state;
    struct error err;
    struct platform_spec platform;
    json_owned json_t *json =
        json_pack("{s:s, s:s, s:s}", "os", "linux", "architecture", "arm", "variant", "v7");
    json_owned json_t *half = json_pack("{s:s}", "os", "linux");

    assert_ok(platform_spec_read(json, &platform, &err));
    json_owned json_t *written = platform_spec_write(&platform);
    assert_true(json_equal(json, written));
    assert_fails(platform_spec_read(half, &platform, &err), ERROR_INVALID,
                 "'architecture' is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings_become_one),
        cmocka_unit_test(what_is_no_platform_is_refused),
        cmocka_unit_test(a_list_has_no_doubles),
        cmocka_unit_test(variants_match_any_where_one_side_is_silent),
        cmocka_unit_test(documents_are_read_and_written),
    };
    return cmocka_run_group_tests_name("platform_spec", tests, NULL, NULL);
}
