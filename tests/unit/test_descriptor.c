/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: strict when read, and a stream that is checked against one never
 * reaches its end with other bytes.
 */
#include "oci/descriptor.h"

#include <stdlib.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void a_descriptor_survives_a_round_trip(void **state)
{
    (void)state;
    struct error err;
    struct descriptor descriptor = {MEDIA_TYPE_OCI_LAYER_GZIP, digest_of("x", 1), 1};
    struct descriptor again;
    json_owned json_t *json = descriptor_write(&descriptor);

    assert_ok(descriptor_read(json, &again, &err));
    assert_int_equal(again.media_type, descriptor.media_type);
    assert_int_equal(again.size, 1);
    assert_true(digest_equal(&again.digest, &descriptor.digest));
}

static void the_wrong_field_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *reason;
    } cases[] = {
        {"{}", "'mediaType' is missing"},
        {"{\"mediaType\":1}", "'mediaType' is not a string"},
        {"{\"mediaType\":\"a\",\"digest\":\"sha256:1\",\"size\":1}", "64 digits"},
        {"{\"mediaType\":\"a\",\"digest\":\"" DIGEST "\"}", "'size' is missing"},
        {"{\"mediaType\":\"a\",\"digest\":\"" DIGEST "\",\"size\":-1}", "'size' is not a size"},
        {"{\"mediaType\":\"a\",\"digest\":\"" DIGEST "\",\"size\":1.5}",
         "'size' is not a size"},
        {"[]", "'mediaType' is missing"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct descriptor descriptor;
        json_owned json_t *json = NULL;
        assert_ok(json_parse(cases[i].json, strlen(cases[i].json), &json, &err));
        assert_fails(descriptor_read(json, &descriptor, &err), ERROR_INVALID, cases[i].reason);
    }
}

/* Reads everything in pieces of `piece` bytes; the source is freed. */
static bool drain(struct source *source, size_t piece, size_t *total, struct error *err)
{
    owned(source) struct source *freed = source;
    char buffer[64];
    size_t count;

    *total = 0;
    do {
        if (!source_read(freed, buffer, piece, &count, err))
            return false;
        *total += count;
    } while (count > 0);
    return true;
}

static void right_bytes_pass_in_pieces_of_any_size(void **state)
{
    (void)state;
    static const char bytes[] = "exactly these bytes";
    struct descriptor descriptor = {MEDIA_TYPE_OTHER, digest_of(bytes, sizeof bytes),
                                    sizeof bytes};

    for (size_t piece = 1; piece <= 64; piece++) {
        struct error err;
        size_t total;
        struct source *source =
            descriptor_verify(&descriptor, memory_source(bytes, sizeof bytes));
        assert_ok(drain(source, piece, &total, &err));
        assert_int_equal(total, sizeof bytes);
    }
}

static void other_bytes_never_reach_the_end(void **state)
{
    (void)state;
    static const char bytes[] = "exactly these bytes";
    static const struct {
        const char *bytes;
        size_t count;
        const char *reason;
    } cases[] = {
        {"exactly these bytez", 20, "content has digest"},
        {"exactly these", 13, "size is 13 bytes instead of 20"},
        {"", 0, "size is 0 bytes"},
    };
    struct descriptor descriptor = {MEDIA_TYPE_OTHER, digest_of(bytes, sizeof bytes),
                                    sizeof bytes};

    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t piece = 1; piece <= 64; piece++) {
            struct error err;
            size_t total;
            struct source *source =
                descriptor_verify(&descriptor, memory_source(cases[i].bytes, cases[i].count));
            assert_fails(drain(source, piece, &total, &err), ERROR_INVALID, cases[i].reason);
            assert_true(total < sizeof bytes);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_survives_a_round_trip),
        cmocka_unit_test(the_wrong_field_is_named),
        cmocka_unit_test(right_bytes_pass_in_pieces_of_any_size),
        cmocka_unit_test(other_bytes_never_reach_the_end),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
