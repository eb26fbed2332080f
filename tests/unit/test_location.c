/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locations: a folder and a registry are told apart by their words, and come
 * back out as they went in.
 */
#include "oci/location.h"

#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void folders_may_name_a_tag_or_a_digest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *path;
        const char *name;
    } cases[] = {
        {"oci:build/image", "build/image", ""}, {"oci:build/image:v1", "build/image", "v1"},
        {"oci:/tmp/a:b/c", "/tmp/a:b/c", ""},   {"oci:/tmp/a:b/c:d", "/tmp/a:b/c", "d"},
        {"oci:x@" DIGEST, "x", DIGEST},         {"oci:.", ".", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(location) struct location location = {0};
        assert_ok(location_parse(cases[i].text, &location, &err));
        assert_int_equal(location.kind, LOCATION_LAYOUT);
        assert_string_equal(location.path, cases[i].path);
        assert_string_equal(location_name(&location), cases[i].name);
        owned(memory) char *text = location_format(&location);
        assert_string_equal(text, cases[i].text);
    }
}

static void archives_name_a_file_and_what_is_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum location_kind kind;
        const char *path;
        const char *name;
        const char *full;
    } cases[] = {
        {"oci-archive:a.tar", LOCATION_OCI_ARCHIVE, "a.tar", "", "oci-archive:a.tar"},
        {"oci-archive:/x/a.tar:v1", LOCATION_OCI_ARCHIVE, "/x/a.tar", "v1",
         "oci-archive:/x/a.tar:v1"},
        {"docker-archive:a.tar", LOCATION_DOCKER_ARCHIVE, "a.tar", "", "docker-archive:a.tar"},
        {"docker-archive:/x/a.tar:app", LOCATION_DOCKER_ARCHIVE, "/x/a.tar",
         "docker.io/library/app:latest",
         "docker-archive:/x/a.tar:docker.io/library/app:latest"},
        {"docker-archive:a.tar:host:5000/team/app:v1", LOCATION_DOCKER_ARCHIVE, "a.tar",
         "host:5000/team/app:v1", "docker-archive:a.tar:host:5000/team/app:v1"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(location) struct location location = {0};
        assert_ok(location_parse(cases[i].text, &location, &err));
        assert_int_equal(location.kind, cases[i].kind);
        assert_string_equal(location.path, cases[i].path);
        assert_string_equal(location_name(&location), cases[i].name);
        owned(memory) char *text = location_format(&location);
        assert_string_equal(text, cases[i].full);
    }
}

static void anything_else_is_a_registry_reference(void **state)
{
    (void)state;
    struct error err;
    owned(location) struct location location = {0};

    assert_ok(location_parse("alpine", &location, &err));
    assert_int_equal(location.kind, LOCATION_REGISTRY);
    assert_string_equal(location_name(&location), "latest");
}

static void wrong_words_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"oci:", "names no folder"},
        {"oci::tag", "names no folder"},
        {"oci:x:", "a tag is 1 to 128"},
        {"oci:x:a b", "the tag is not"},
        {"oci:x@sha256:12", "64 digits"},
        {"Oci:X", "lower-case"},
        {"oci:x@sha256", "is not sha256"},
        {"oci-archive:", "names no file"},
        {"oci-archive::v1", "names no file"},
        {"docker-archive:", "names no file"},
        {"docker-archive::app", "names no file"},
        {"docker-archive:x:", "docker-archive:x:"},
        {"docker-archive:x:A", "lower-case"},
        {"docker-archive:x:a@" DIGEST, "tags, not digests"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(location) struct location location = {0};
        assert_fails(location_parse(cases[i].text, &location, &err), ERROR_USAGE,
                     cases[i].reason);
    }
}

static void a_destination_is_named_by_a_tag(void **state)
{
    (void)state;
    struct error err;
    owned(location) struct location location = {0};

    assert_fails(location_parse_destination("oci:x@" DIGEST, &location, &err), ERROR_USAGE,
                 "cannot be chosen");
    assert_fails(location_parse_destination("app@" DIGEST, &location, &err), ERROR_USAGE,
                 "cannot be chosen");
    assert_ok(location_parse_destination("oci:x", &location, &err));
    assert_string_equal(location_name(&location), "latest");
    location_release(&location);
    assert_ok(location_parse_destination("oci-archive:x", &location, &err));
    assert_string_equal(location_name(&location), "latest");
    location_release(&location);
    assert_ok(location_parse_destination("docker-archive:x", &location, &err));
    assert_string_equal(location_name(&location), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_may_name_a_tag_or_a_digest),
        cmocka_unit_test(archives_name_a_file_and_what_is_in_it),
        cmocka_unit_test(anything_else_is_a_registry_reference),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(a_destination_is_named_by_a_tag),
    };
    return cmocka_run_group_tests_name("location", tests, NULL, NULL);
}
