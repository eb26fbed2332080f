/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/json.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

static void documents_have_one_canonical_text(void **state)
{
    (void)state;
    static const struct {
        const char *given, *canonical;
    } table[] = {
        {"{}", "{}"},
        {" [ 1 , 2 ] \n", "[1,2]"},
        {"{\"b\": 1, \"a\": {\"d\": [], \"c\": null}}",
         "{\"a\":{\"c\":null,\"d\":[]},\"b\":1}"},
        {"{\"a\":1,\"B\":2,\"é\":3,\"aa\":4}", "{\"B\":2,\"a\":1,\"aa\":4,\"é\":3}"},
        {"\"\\u00e9 \\/ \\\" \\n\"", "\"é / \\\" \\n\""},
        {"9223372036854775807", "9223372036854775807"},
        {"true", "true"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *json = NULL;
        assert_ok(json_parse(table[i].given, strlen(table[i].given), &json, &err));
        owned(memory) char *text = json_text(json);
        assert_string_equal(text, table[i].canonical);
    }
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *given, *reason;
    } table[] = {
        {"", "line 1, column 0"},
        {"{\n  \"a\": 1,\n}", "line 3, column 1"},
        {"{} {}", "end of file expected"},
        {"{\"a\":1,\"a\":1}", "duplicate object key"},
        {"[1", "not JSON"},
        {"'a'", "not JSON"},
        {"\"\xff\"", "not JSON"},
        {"\"\\ud800\"", "not JSON"},
        {"99999999999999999999", "too big integer"},
        {"1e999", "real number overflow"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        json_t *json = NULL;
        assert_fails(json_parse(table[i].given, strlen(table[i].given), &json, &err),
                     ERROR_INVALID, table[i].reason);
        assert_null(json);
    }
}

static void events_are_json_in_every_way_it_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *given, *canonical; /* NULL: it is none after all */
    } table[] = {
        {"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}"},
        {"\"a\\u0000b\"", "\"a\\u0000b\""},
        {"[12345678901234567890, 1]", "[1.2345678901234567e19,1.0]"},
        {"{\"a\\u0000b\":\"\\\\u0000\\u0000\"}", "{\"a\xef\xbf\xbd"
                                                 "b\":\"\\\\u0000\xef\xbf\xbd\"}"},
        {"{\"\\u0000\":99999999999999999999}", "{\"\xef\xbf\xbd\":1e20}"},
        {"{\"a\":1,}", NULL},
        {"", NULL},
        {"\"\xff\"", NULL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error err = {0};
        json_owned json_t *json = NULL;
        bool is_json = json_parse_event(table[i].given, strlen(table[i].given), &json, &err);
        assert_int_equal(is_json, table[i].canonical != NULL);
        if (!is_json) {
            assert_int_equal(err.kind, ERROR_INVALID);
            continue;
        }
        owned(memory) char *text = json_text(json);
        assert_string_equal(text, table[i].canonical);
    }
}

static void text_with_a_nul_is_none_for_c(void **state)
{
    (void)state;
    static const char given[] = "{\"cut\":\"a\\u0000b\",\"whole\":\"ab\",\"number\":7}";
    json_owned json_t *json = NULL;
    struct error err;
    const char *text;

    assert_ok(json_parse_event(given, strlen(given), &json, &err));
    assert_null(json_optional_string(json, "cut"));
    assert_null(json_optional_string(json, "number"));
    assert_string_equal(json_optional_string(json, "whole"), "ab");
    assert_fails(json_field_string(json, "cut", &text, &err), ERROR_INVALID,
                 "'cut' is not a string");
}

static char *nested(size_t levels, const char *open, const char *close)
{
    struct text text = {0};

    for (size_t i = 0; i < levels; i++)
        text_add(&text, open);
    text_add(&text, "1");
    for (size_t i = 0; i < levels; i++)
        text_add(&text, close);
    return text_take(&text);
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    static const struct {
        size_t levels;
        const char *open, *close;
        enum error_kind kind;
    } table[] = {
        {JSON_DEPTH_LIMIT, "[", "]", ERROR_NONE},
        {JSON_DEPTH_LIMIT, "{\"a\":", "}", ERROR_NONE},
        {JSON_DEPTH_LIMIT + 1, "[", "]", ERROR_LIMIT},
        {JSON_DEPTH_LIMIT + 1, "{\"a\":", "}", ERROR_LIMIT},
        {1000000, "[", "", ERROR_LIMIT},
        {1000, "[],", "", ERROR_INVALID}, /* many, but not deep */
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error err = {0};
        json_owned json_t *json = NULL;
        owned(memory) char *text = nested(table[i].levels, table[i].open, table[i].close);
        assert_int_equal(json_parse(text, strlen(text), &json, &err),
                         table[i].kind == ERROR_NONE);
        assert_int_equal(err.kind, table[i].kind);
    }
}

static void brackets_in_strings_are_not_nesting(void **state)
{
    (void)state;
    struct error err;
    json_owned json_t *json = NULL;
    owned(memory) char *brackets = nested(1000, "[", "");
    owned(memory) char *text = text_format("[\"\\\"%s\\\\\", \"{\"]", brackets);

    assert_ok(json_parse(text, strlen(text), &json, &err));

    json_t *broken_off = NULL;
    assert_fails(json_parse("\"\\", 2, &broken_off, &err), ERROR_INVALID, "not JSON");
}

static void fields_are_read_by_their_type(void **state)
{
    (void)state;
    struct error err;
    json_owned json_t *json =
        json_pack("{s:{}, s:[], s:s, s:I, s:i, s:n, s:f}", "object", "array", "string", "text",
                  "size", INT64_MAX, "negative", -1, "null", "real", 1.0);
    json_t *value;
    const char *text;
    uint64_t size;

    assert_ok(json_field_object(json, "object", &value, &err));
    assert_true(json_is_object(value));
    assert_ok(json_field_array(json, "array", &value, &err));
    assert_true(json_is_array(value));
    assert_ok(json_field_string(json, "string", &text, &err));
    assert_string_equal(text, "text");
    assert_ok(json_field_size(json, "size", &size, &err));
    assert_int_equal(size, INT64_MAX);

    assert_fails(json_field_object(json, "array", &value, &err), ERROR_INVALID,
                 "'array' is not an object");
    assert_fails(json_field_array(json, "object", &value, &err), ERROR_INVALID,
                 "'object' is not an array");
    assert_fails(json_field_string(json, "null", &text, &err), ERROR_INVALID,
                 "'null' is not a string");
    assert_fails(json_field_string(json, "missing", &text, &err), ERROR_INVALID,
                 "'missing' is missing");
    assert_fails(json_field_size(json, "negative", &size, &err), ERROR_INVALID,
                 "'negative' is not a size");
    assert_fails(json_field_size(json, "real", &size, &err), ERROR_INVALID,
                 "'real' is not a size");
    assert_string_equal(json_optional_string(json, "string"), "text");
    assert_null(json_optional_string(json, "missing"));
    assert_null(json_optional_string(json, "size"));
}

static void fields_of_what_is_no_object_are_missing(void **state)
{
    (void)state;
    struct error err;
    json_owned json_t *array = json_array();
    const char *text;

    assert_fails(json_field_string(array, "a", &text, &err), ERROR_INVALID, "'a' is missing");
    assert_fails(json_field_string(NULL, "a", &text, &err), ERROR_INVALID, "'a' is missing");
}

static void lists_of_strings_become_arrays(void **state)
{
    (void)state;
    json_owned json_t *some = json_strings((const char *const[]){"a", "", "\xff", NULL});
    json_owned json_t *none = json_strings((const char *const[]){NULL});
    owned(memory) char *some_text = json_text(some);
    owned(memory) char *none_text = json_text(none);

    assert_string_equal(some_text, "[\"a\",\"\",\"\xef\xbf\xbd\"]");
    assert_string_equal(none_text, "[]");
}

#define LOST "\xef\xbf\xbd"

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } table[] = {
        {"", ""},
        {"plain", "plain"},
        {"é…😀", "é…😀"},
        {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
         "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"},
        {"a\xff"
         "b\x80",
         "a" LOST "b" LOST},
        {"cut \xc3", "cut " LOST},
        {"cut \xf0\x9f\x98", "cut " LOST LOST LOST},
        {"\xc3(", LOST "("},
        {"\xc0\xaf", LOST LOST},                   /* longer than needed */
        {"\xe0\x9f\xbf", LOST LOST LOST},          /* longer than needed */
        {"\xf0\x8f\xbf\xbf", LOST LOST LOST LOST}, /* longer than needed */
        {"\xed\xa0\x80", LOST LOST LOST},          /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", LOST LOST LOST LOST}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80é", LOST LOST LOST LOST "é"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *json = json_lossy_string(table[i].bytes, strlen(table[i].bytes));
        assert_non_null(json);
        assert_string_equal(json_string_value(json), table[i].text);
    }
}

static void any_two_or_three_bytes_become_a_string(void **state)
{
    (void)state;

    for (unsigned int i = 0; i < 0x10000; i++) {
        const char bytes[] = {(char)(i >> 8), (char)i, (char)(i * 7)};
        for (size_t count = 2; count <= 3; count++) {
            json_owned json_t *json = json_lossy_string(bytes, count);
            if (!json)
                fail_msg("no string from %02x %02x %02x", i >> 8, i & 255, (i * 7) & 255);
        }
    }
}

static void a_nul_survives(void **state)
{
    (void)state;
    json_owned json_t *good = json_lossy_string("a\0b", 3);
    json_owned json_t *bad = json_lossy_string("a\0\xff", 3);
    owned(memory) char *good_text = json_text(good);
    owned(memory) char *bad_text = json_text(bad);

    assert_string_equal(good_text, "\"a\\u0000b\"");
    assert_string_equal(bad_text, "\"a\\u0000" LOST "\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_have_one_canonical_text),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(events_are_json_in_every_way_it_is_written),
        cmocka_unit_test(text_with_a_nul_is_none_for_c),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(brackets_in_strings_are_not_nesting),
        cmocka_unit_test(fields_are_read_by_their_type),
        cmocka_unit_test(fields_of_what_is_no_object_are_missing),
        cmocka_unit_test(lists_of_strings_become_arrays),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(any_two_or_three_bytes_become_a_string),
        cmocka_unit_test(a_nul_survives),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
