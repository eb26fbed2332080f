/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terraform's language: laid out as its own tool does, and nothing in a text is taken for a
 * template.
 */
#include "lambda/aws/hcl.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

static void assert_written(const char *json, const char *expected)
{
    struct error err = {0};
    json_owned json_t *body = NULL;
    owned(text) struct text out = {0};

    assert_ok(json_parse(json, strlen(json), &body, &err));
    hcl_add_block(&out, "b", body);
    assert_string_equal(text_string(&out), expected);
}

static void texts_stay_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *text;
    } cases[] = {
        {"\"plain\"", "\"plain\""},
        {"\"\"", "\"\""},
        {"\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
        {"\"a\\nb\\tc\\rd\"", "\"a\\nb\\tc\\rd\""},
        {"\"\\u0001\\u007f\"", "\"\\u0001\\u007f\""},
        {"\"${danger} %{if} $ % $x ${\"", "\"$${danger} %%{if} $ % $x $${\""},
        {"\"\xc3\xa4\"", "\"\xc3\xa4\""},
        {"12", "12"},
        {"true", "true"},
        {"[\"a\",2,false]", "[\"a\", 2, false]"},
        {"[]", "[]"},
        {"{\"$\":\"var.x\"}", "var.x"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *json = text_format("{\"x\":%s}", cases[i].json);
        owned(memory) char *expected = text_format("b {\n  x = %s\n}\n", cases[i].text);
        assert_written(json, expected);
    }
}

static void attributes_come_first_and_in_columns(void **state)
{
    (void)state;
    assert_written("{}", "b {\n}\n");
    assert_written("{\"block\":{\"x\":1},\"a\":1,\"long\":2}", "b {\n"
                                                               "  a    = 1\n"
                                                               "  long = 2\n"
                                                               "\n"
                                                               "  block {\n"
                                                               "    x = 1\n"
                                                               "  }\n"
                                                               "}\n");
    assert_written("{\"m\":{\"=\":{\"a\":\"1\",\"b c\":\"2\",\"1\":\"\",\"\":\"${\"}}}",
                   "b {\n"
                   "  m = {\n"
                   "    a     = \"1\"\n"
                   "    \"b c\" = \"2\"\n"
                   "    \"1\"   = \"\"\n"
                   "    \"\"    = \"$${\"\n"
                   "  }\n"
                   "}\n");
}

static void blocks_have_a_line_between_them(void **state)
{
    (void)state;
    json_owned json_t *body = json_pack("{s:i}", "x", 1);
    owned(text) struct text out = {0};

    hcl_add_block(&out, "a", body);
    hcl_add_block(&out, "b \"c\"", body);
    assert_string_equal(text_string(&out), "a {\n  x = 1\n}\n\nb \"c\" {\n  x = 1\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_stay_what_they_are),
        cmocka_unit_test(attributes_come_first_and_in_columns),
        cmocka_unit_test(blocks_have_a_line_between_them),
    };
    return cmocka_run_group_tests_name("hcl", tests, NULL, NULL);
}
