/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References: what people leave out is filled in as Docker does, and what is
 * wrong is named.
 */
#include "oci/reference.h"

#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define IMAGE_ID "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void short_spellings_are_filled_in(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *full;
        const char *name;
    } cases[] = {
        {"alpine", "docker.io/library/alpine:latest", "latest"},
        {"alpine:3.20", "docker.io/library/alpine:3.20", "3.20"},
        {"user/app", "docker.io/user/app:latest", "latest"},
        {"docker.io/alpine", "docker.io/library/alpine:latest", "latest"},
        {"index.docker.io/user/app:1", "docker.io/user/app:1", "1"},
        {"localhost/app", "localhost/app:latest", "latest"},
        {"localhost:5000/a/b:tag", "localhost:5000/a/b:tag", "tag"},
        {"host:5000/a/b:tag@" DIGEST, "host:5000/a/b:tag@" DIGEST, DIGEST},
        {"ghcr.io/a/b@" DIGEST, "ghcr.io/a/b@" DIGEST, DIGEST},
        {"127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "latest"},
        {"[::1]:5000/x", "[::1]:5000/x:latest", "latest"},
        {"a/b_c/d__e/f-g/h--i/j.k", "docker.io/a/b_c/d__e/f-g/h--i/j.k:latest", "latest"},
        {"app:5000", "docker.io/library/app:5000", "5000"},
        {"[fe80::1]/x", "[fe80::1]/x:latest", "latest"},
        {"host/x", "docker.io/host/x:latest", "latest"},
        {"Host/x", "Host/x:latest", "latest"},
        {"my-host.a-b:65535/x", "my-host.a-b:65535/x:latest", "latest"},
        {"index.docker.io/alpine", "docker.io/library/alpine:latest", "latest"},
        {"docker.io/library/alpine:3@" DIGEST, "docker.io/library/alpine:3@" DIGEST, DIGEST},
        {"host.io/" IMAGE_ID, "host.io/" IMAGE_ID ":latest", "latest"},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo/x:Tag_1.0-b",
         "123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo/x:Tag_1.0-b", "Tag_1.0-b"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct reference reference;
        assert_ok(reference_parse(cases[i].text, &reference, &err));
        owned(memory) char *full = reference_format(&reference);
        assert_string_equal(full, cases[i].full);
        assert_string_equal(reference.name, cases[i].name);
        /* The full spelling means the same. */
        struct reference again;
        assert_ok(reference_parse(full, &again, &err));
        assert_string_equal(again.repository, reference.repository);
    }
}

static void wrong_parts_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "an empty name"},
        {"https://host/app", "without the scheme"},
        {"Alpine", "lower-case"},
        {"host.io/a//b", "lower-case"},
        {"host.io/a/", "lower-case"},
        {"a/.b", "lower-case"},
        {"a/b..c", "lower-case"},
        {"a/b___c", "lower-case"},
        {"a/b-", "lower-case"},
        {"alpine:", "the tag"},
        {"alpine:-x", "the tag"},
        {"alpine:a b", "the tag"},
        {"alpine@sha256:123", "64 digits"},
        {"alpine@md5:123", "is not sha256"},
        {"alpine@sha512:123", "is not sha256, which is the only one known here"},
        {"alpine@", "is not sha256"},
        {"alpine:@" DIGEST, "the tag"},
        {"alpine:1:2", "lower-case"},
        {" alpine", "lower-case"},
        {"alpine ", "lower-case"},
        {"alpine:1 ", "the tag"},
        {IMAGE_ID, "an image's id"},
        {"./alpine", "a path begins with what it leads to"},
        {"/tmp/alpine.tar", "a path begins with what it leads to"},
        {"a_b.io/x", "the host"},
        {"a-.io/x", "the host"},
        {"a.-b/x", "the host"},
        {"a..b/x", "the host"},
        {"host./x", "the host"},
        {"host:65536/x", "the host"},
        {"ho st.io/x", "the host"},
        {"host.io:port/x", "the host"},
        {"[::1/x", "the host"},
        {"host.io:/x", "the host"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct reference reference;
        assert_fails(reference_parse(cases[i].text, &reference, &err), ERROR_USAGE,
                     cases[i].reason);
        assert_non_null(strstr(err.text, cases[i].text));
    }
}

static void every_part_has_its_limit(void **state)
{
    (void)state;
    char text[1000];
    struct error err;
    struct reference reference;

    for (size_t length = 1; length < sizeof text; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        bool fits = length + strlen("library/") <= 255;
        assert_int_equal(reference_parse(text, &reference, &err), fits);
    }
    for (size_t length = 1; length < 300; length++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "host.io/", 8);
        text[8 + length] = '\0';
        assert_int_equal(reference_parse(text, &reference, &err), length <= 255);
    }
    memset(text, 'x', 300);
    memcpy(text, "x:", 2);
    text[130] = '\0';
    assert_ok(reference_parse(text, &reference, &err));
    text[130] = 'x';
    text[131] = '\0';
    assert_fails(reference_parse(text, &reference, &err), ERROR_USAGE, "128 characters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_spellings_are_filled_in),
        cmocka_unit_test(wrong_parts_are_named),
        cmocka_unit_test(every_part_has_its_limit),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
