/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/text.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "oci/base/printable.h"
#include "tests/support/unit.h"

static void text_grows_while_it_is_written(void **state)
{
    (void)state;
    owned(text) struct text text = {0};

    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 1000; i++)
        text_addf(&text, "%03d ", i);
    text_add(&text, "end");
    text_add_bytes(&text, "\0!", 2);

    assert_int_equal(text.length, 4 * 1000 + 3 + 2);
    assert_memory_equal(text.bytes, "000 001 002 ", 12);
    assert_memory_equal(text.bytes + 3996, "999 end\0!", 10);
}

static void taking_the_string_leaves_an_empty_text(void **state)
{
    (void)state;
    owned(text) struct text text = {0};

    owned(memory) char *empty = text_take(&text);
    assert_string_equal(empty, "");
    text_add(&text, "once");
    owned(memory) char *once = text_take(&text);
    assert_string_equal(once, "once");
    assert_string_equal(text_string(&text), "");
    text_add(&text, "again");
    assert_string_equal(text_string(&text), "again");
}

static void a_formatted_string_has_any_length(void **state)
{
    (void)state;
    owned(memory) char *text = text_format("%0*d", 100000, 7);

    assert_int_equal(strlen(text), 100000);
    assert_string_equal(text + 99990, "0000000007");
}

static void everything_but_safe_characters_is_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *also_safe, *escaped;
    } table[] = {
        {"", "", ""},
        {"azAZ09-._~", "", "azAZ09-._~"},
        {"a/b:c", "", "a%2Fb%3Ac"},
        {"a/b:c", "/", "a/b%3Ac"},
        {"a/b:c", "/:", "a/b:c"},
        {"100% +\n", "", "100%25%20%2B%0A"},
        {"é\xff", "", "%C3%A9%FF"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(text) struct text text = {0};
        text_add_escaped(&text, table[i].text, table[i].also_safe);
        assert_string_equal(text_string(&text), table[i].escaped);
    }
}

static void nothing_printable_steers_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text, *printable;
    } table[] = {
        {"", ""},
        {"plain text, … and é", "plain text, … and é"},
        {"\033[2Ja\tb\r\nc\x7f", " [2Ja b  c "},
        {"\xc2\x9b"
         "31m\xc2\xa0",
         "  31m\xc2\xa0"}, /* U+009B begins a command too, U+00A0 is a space */
        {"cut \xc2", "cut \xc2"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(memory) char *text = memory_copy_string(table[i].text);
        printable_make(text);
        assert_string_equal(text, table[i].printable);
    }
}

static const struct {
    const char *text;
    size_t count;
    const char *encoded;
} VECTORS[] = {
    {"", 0, ""},
    {"f", 1, "Zg=="},
    {"fo", 2, "Zm8="},
    {"foo", 3, "Zm9v"},
    {"foob", 4, "Zm9vYg=="},
    {"fooba", 5, "Zm9vYmE="},
    {"foobar", 6, "Zm9vYmFy"}, /* RFC 4648, section 10 */
    {"\xfb\xff\xfe\0", 4, "+//+AA=="},
};

static void base64_follows_the_specification(void **state)
{
    (void)state;
    struct error err;

    for (size_t i = 0; i < COUNT(VECTORS); i++) {
        owned(memory) char *encoded = base64_encode(VECTORS[i].text, VECTORS[i].count);
        assert_string_equal(encoded, VECTORS[i].encoded);

        owned(memory) char *decoded = NULL;
        size_t count;
        assert_ok(base64_decode(encoded, &decoded, &count, &err));
        assert_int_equal(count, VECTORS[i].count);
        assert_memory_equal(decoded, VECTORS[i].text, count);
        assert_int_equal(decoded[count], '\0');
    }
}

static void base64_is_read_in_all_its_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *encoded, *decoded;
    } table[] = {
        {"Zg", "f"},
        {"Zm8", "fo"},
        {"Zm9v\nYmFy\r\n", "foobar"},
        {"Zg=\n=", "f"},
        {"-__-", "\xfb\xff\xfe"},
        {"+//+", "\xfb\xff\xfe"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(memory) char *decoded = NULL;
        size_t count;
        assert_ok(base64_decode(table[i].encoded, &decoded, &count, &err));
        assert_string_equal(decoded, table[i].decoded);
        assert_int_equal(count, strlen(table[i].decoded));
    }
}

static void bad_base64_is_refused(void **state)
{
    (void)state;
    static const char *const table[] = {
        "Z",     "Zm9vY",  "Zg===", "Zg=",  "=",      "====", "Zm9v=", "Zm9v==", "Z===",
        "Zm=9v", "Zg==Zg", "Zm 9v", "Zm9*", "Zm9v\t", "é",    "Zm9v.", "Z===",   "Zg=A",
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        char *decoded = NULL;
        size_t count;
        assert_fails(base64_decode(table[i], &decoded, &count, &err), ERROR_INVALID,
                     "not base64");
        assert_null(decoded);
    }
}

static void hexadecimal_digits_are_lower_case(void **state)
{
    (void)state;
    char out[9];

    hex_encode("\x00\x7f\xab\xff", 4, out);
    assert_string_equal(out, "007fabff");
    hex_encode("", 0, out);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_while_it_is_written),
        cmocka_unit_test(taking_the_string_leaves_an_empty_text),
        cmocka_unit_test(a_formatted_string_has_any_length),
        cmocka_unit_test(everything_but_safe_characters_is_escaped),
        cmocka_unit_test(nothing_printable_steers_a_terminal),
        cmocka_unit_test(base64_follows_the_specification),
        cmocka_unit_test(base64_is_read_in_all_its_spellings),
        cmocka_unit_test(bad_base64_is_refused),
        cmocka_unit_test(hexadecimal_digits_are_lower_case),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
